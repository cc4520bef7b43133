"""The files of sound that are made, and what their codecs take."""

from dataclasses import dataclass

from av.audio.layout import AudioLayout


@dataclass(frozen=True)
class Kind:
    """A kind of file, by its codec: its ending, its MIME type, FFmpeg's name of its muxer."""

    suffix: str
    content_type: str
    muxer: str
    # The layouts that the codec has, by their number of channels.
    layouts: dict[int, str]


_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0"}
KINDS = {
    "mp3": Kind("mp3", "audio/mpeg", "mp3", {1: "mono", 2: "stereo"}),
    "vorbis": Kind(
        "ogg",
        "audio/ogg",
        "ogg",
        {**_LAYOUTS, 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"},
    ),
    "aac": Kind("m4a", "audio/mp4", "mp4", {**_LAYOUTS, 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}),
}
# What all three take; nobody hears what higher ones add.
_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


def layout_for(kind: Kind, channels: int) -> AudioLayout:
    """The layout for a source of so many channels; those of more than it has become two."""
    return AudioLayout(kind.layouts.get(channels, "stereo"))


def rate_for(rate: int) -> int:
    """The rate in Hz that loses least: the source's own, the next, or what it is a multiple of."""
    for known in reversed(_RATES):
        if rate > known and rate % known == 0 and known >= 44_100:
            return known
    return next((known for known in _RATES if known >= rate), _RATES[-1])
