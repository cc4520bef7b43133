"""Encoders of sound, set up for what people ask of the Tasks API."""

from typing import cast

from av.audio.stream import AudioStream
from av.container import OutputContainer

from services.media.engine.plan import Sound

_ENCODERS = {
    "aac": "aac",
    "mp2": "mp2",
    "mp3": "libmp3lame",
    "wmav1": "wmav1",
    "wmav2": "wmav2",
}
# Kilobits per second that Layer II and III know (ISO/IEC 11172-3): above 24 kHz, and, as
# ISO/IEC 13818-3 has it, up to there.
_LAYER_2 = (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384)
_LAYER_3 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_LOW_RATES = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_LOWEST_RATE = 24_000
# Of Layer II, the most for one channel and the least for two, which decoders need not know else.
_MOST_OF_ONE, _LEAST_OF_TWO = 192, 64
# FFmpeg's encoder refuses less.
_LEAST_WMA = 24_000


def coded_sound(target: OutputContainer, wanted: Sound, channels: int) -> AudioStream:
    """Add a track to a file: of one channel where the source has one, else of two."""
    layout = "mono" if channels == 1 else "stereo"
    bits = bitrate(wanted, min(channels, 2))
    made = target.add_stream(
        _ENCODERS[wanted.codec], rate=wanted.rate, layout=layout, bit_rate=bits
    )
    return cast(AudioStream, made)


def bitrate(wanted: Sound, channels: int) -> int:
    """The bits per second that a codec knows which are nearest to those wanted."""
    if wanted.codec in ("mp2", "mp3"):
        return 1000 * min(_known(wanted, channels), key=lambda k: abs(1000 * k - wanted.bitrate))
    least = _LEAST_WMA if wanted.codec.startswith("wma") else 0
    return max(least, wanted.bitrate)


def _known(wanted: Sound, channels: int) -> tuple[int, ...]:
    if wanted.rate <= _LOWEST_RATE:
        return _LOW_RATES
    if wanted.codec == "mp3":
        return _LAYER_3
    if channels == 1:
        return tuple(each for each in _LAYER_2 if each <= _MOST_OF_ONE)
    # Of those from 64 on, 80 is for one channel alone.
    return tuple(each for each in _LAYER_2 if each >= _LEAST_OF_TWO and each != 80)
