"""Opens a stranger's file for its sound: one of sound alone, or a film's."""

from pathlib import Path
from typing import NoReturn

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition

from services.media.engine.failure import BadMedia
from services.media.engine.kinds import (
    ENCRYPTED,
    NOT_A_VIDEO,
    PICTURE,
    PLAYLIST,
    SOUND,
    TEXT,
    UNREADABLE,
    is_encrypted,
    why_not_a_video,
)
from services.media.engine.reading import FORMATS, PICTURE_BRANDS, opened

# Demuxers of sound alone, by FFmpeg's names, beside those of films.
_SOUND_FORMATS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,au,caf,dsf,dts,dtshd,eac3,flac,gsm,loas,mlp,mp3,mpc,mpc8,"
    "oma,qcp,shn,sox,tak,truehd,tta,voc,w64,wav,wv,xwma"
)
_MAX_CHANNELS = 64
_MAX_RATE = 1_000_000

NO_SOUND = "The file holds no sound."
UNKNOWN = "The file's sound is damaged, or in a format that cannot be read."
SOUND_DAMAGED = "The file is damaged or cut off: none of its sound can be read."
SOUND_ENCRYPTED = "The sound is encrypted: it cannot be read without its key."
# What is no video for one reason is no sound for another.
_SENTENCES = {
    NOT_A_VIDEO: "The file holds no sound in a format that can be read.",
    SOUND: UNKNOWN,
    PICTURE: "The file is a picture: it holds no sound.",
    PLAYLIST: "The file is a playlist: it names sound, but holds none.",
    TEXT: "The file is a text: it holds no sound.",
    UNREADABLE: SOUND_DAMAGED,
    ENCRYPTED: SOUND_ENCRYPTED,
}


def open_sound(path: Path) -> InputContainer:
    """Open a file for its sound, deciding the format from its bytes. Raises BadMedia."""
    if path.stat().st_size == 0:
        raise BadMedia("The file is empty.")
    container = opened(path, f"{FORMATS},{_SOUND_FORMATS}", _why_no_sound)
    try:
        _check(sound_stream(container), path)
    except BaseException:
        container.close()
        raise
    return container


def sound_stream(container: InputContainer) -> AudioStream:
    """The stream that a player would play. Raises BadMedia when there is none."""
    # An unknown codec leaves a stream without a context.
    readable = [each for each in container.streams.audio if each.codec_context is not None]
    if not readable:
        _refuse(container)
    best = container.streams.best("audio")
    return next((each for each in readable if each == best), readable[0])


def _refuse(container: InputContainer) -> NoReturn:
    if container.metadata.get("major_brand", "").strip() in PICTURE_BRANDS:
        raise BadMedia(_SENTENCES[PICTURE])
    if container.streams.audio:
        raise BadMedia("The file's sound is in a codec that cannot be read.")
    raise BadMedia(NO_SOUND)


def has_film(container: InputContainer) -> bool:
    """Whether a file shows pictures that move; cover art does not."""
    stills = Disposition.attached_pic | Disposition.still_image | Disposition.timed_thumbnails
    return any(not stream.disposition & stills for stream in container.streams.video)


def _check(stream: AudioStream, path: Path) -> None:
    context = stream.codec_context
    if not context.sample_rate or not context.layout.nb_channels:
        # FFmpeg tried to decode what it took for plain.
        raise BadMedia(SOUND_ENCRYPTED if is_encrypted(path) else SOUND_DAMAGED)
    if context.sample_rate > _MAX_RATE:
        raise BadMedia(f"The file declares {context.sample_rate:,} samples a second.")
    if context.layout.nb_channels > _MAX_CHANNELS:
        raise BadMedia(f"The file declares {context.layout.nb_channels} channels of sound.")


def _why_no_sound(path: Path) -> str:
    why = why_not_a_video(path)
    return _SENTENCES.get(why, why)
