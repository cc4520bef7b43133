"""Makes a storyboard: small pictures of a whole video in one, and where each of them is."""

from fractions import Fraction
from math import ceil
from pathlib import Path

from PIL import Image

from services.media.engine.glimpses import glimpses
from services.media.engine.previews.look import look_of
from services.media.engine.previews.thumbnails import save_jpeg
from services.media.engine.probe import Progress, probe

# The box that each small picture fits into, in pixels, and how many stand beside one another.
_TILE = (160, 160)
_COLUMNS = 10
_MOST = 100


def storyboard(video: Path, picture: Path, index: Path, address: str, progress: Progress) -> None:
    """Write a JPEG of small pictures, and WebVTT whose cues say which shows what time.

    There is one for every second, and at most a hundred, each from the middle of
    its cue. `video` is to have a key frame every few seconds. Cues name the JPEG
    by `address`, relative to their own. `progress` takes 0 to 100.
    """
    facts = probe(video, _unheard)
    count = min(_MOST, max(1, round(facts.duration)))
    seconds = facts.duration / count
    look = look_of(video, facts)
    tile = look.size(_TILE)
    sheet = Image.new("RGB", (tile[0] * min(count, _COLUMNS), tile[1] * ceil(count / _COLUMNS)))
    middles = [(number + Fraction(1, 2)) * seconds for number in range(count)]
    shown = look.pictures(glimpses(video, facts, middles, facts.frames), tile)
    for number, (_, small) in enumerate(shown):
        sheet.paste(small, _place(number, tile))
        progress(100.0 * (number + 1) / count)
    save_jpeg(sheet, picture)
    index.write_text(_index(count, seconds, tile, address))


def _index(count: int, seconds: Fraction, tile: tuple[int, int], address: str) -> str:
    lines = ["WEBVTT", ""]
    for number in range(count):
        left, top = _place(number, tile)
        lines += [
            f"{_clock(number * seconds)} --> {_clock((number + 1) * seconds)}",
            f"{address}#xywh={left},{top},{tile[0]},{tile[1]}",
            "",
        ]
    return "\n".join(lines)


def _place(number: int, tile: tuple[int, int]) -> tuple[int, int]:
    return number % _COLUMNS * tile[0], number // _COLUMNS * tile[1]


def _clock(seconds: Fraction) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"


def _unheard(percent: float) -> None:
    """Reading through the packets of a small video is quick."""
