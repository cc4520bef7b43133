"""Tells what a file is that cannot be opened as a video, for the person who sent it."""

import re
from pathlib import Path

from services.media.engine.cutoff import is_known_container
from services.media.engine.xml_beginnings import BEFORE_ELEMENTS

NOT_A_VIDEO = "The file is not a video in a format that can be read."
SOUND = "The file holds sound only, no video."
PICTURE = "The file is a picture, not a video."
PLAYLIST = "The file is a playlist: it names videos, but holds none."
TEXT = "The file is a text, not a video."
DAMAGED = "The file is damaged or cut off: its contents cannot be found."
UNREADABLE = "The file is damaged or cut off: none of its frames can be read."
ENCRYPTED = "The video is encrypted: it cannot be read without its key."

# The beginning of most texts, and of sound after a stretch of nothing.
_HEAD_BYTES = 64 << 10
# Where an ISO file's index is in most: at the beginning or at the end.
_INDEX_BYTES = 4 << 20

_BEGINNINGS = (
    (PICTURE, rb"\xff\xd8\xff|\x89PNG|GIF8[79]a|RIFF.{4}WEBP|BM.{4}\0{4}|II\*\0|MM\0\*|8BPS"),
    (PICTURE, rb"\0\0\0\x0c(?:jP  |JXL )|\xff\x4f\xff\x51|\xff\x0a|\0\0\x01\0|v/1\x01|SDPX|XPDS"),
    (PICTURE, rb".{4}ftyp(?:avif|hei[cfmsx]|mif1|miaf)"),
    (PICTURE, BEFORE_ELEMENTS + rb"<(?:!DOCTYPE )?svg"),
    (SOUND, rb"ID3|fLaC|(?:RIFF|RF64).{4}WAVE|FORM.{4}AIF[FC]|#!AMR|MThd|\x0b\x77|wvpk|MAC |caff"),
    # The mark of a frame of MPEG audio is short: two of them tell.
    (SOUND, rb"\0*\xff[\xf0-\xff][^\xff].{20,2100}?\xff[\xf0-\xff]"),
    (PLAYLIST, rb"(?:\xef\xbb\xbf)?\s*(?:#EXTM3U|ffconcat |\[playlist\])"),
    (PLAYLIST, BEFORE_ELEMENTS + rb"<(?:MPD|smil|playlist)\b"),
)
_KINDS = tuple((words, re.compile(beginning, re.DOTALL)) for words, beginning in _BEGINNINGS)
# The box that names a scheme of ISO/IEC 23001-7.
_ENCRYPTION = re.compile(rb"schm.{4}(?:cenc|cens|cbc1|cbcs)", re.DOTALL)
# What no text holds: control characters but for tabs and ends of lines and pages.
_NO_TEXT = re.compile(rb"[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]")


def why_not_a_video(path: Path) -> str:
    """One sentence on a file that FFmpeg does not open as a video."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    for words, beginning in _KINDS:
        if beginning.match(head):
            return words
    if is_known_container(path):
        return ENCRYPTED if is_encrypted(path) else DAMAGED
    return NOT_A_VIDEO if _NO_TEXT.search(head) else TEXT


def is_encrypted(path: Path) -> bool:
    """Whether a file's index, where one is expected, names a scheme of common encryption."""
    with path.open("rb") as file:
        beginning = file.read(_INDEX_BYTES)
        file.seek(max(0, path.stat().st_size - _INDEX_BYTES))
        return bool(_ENCRYPTION.search(beginning) or _ENCRYPTION.search(file.read()))
