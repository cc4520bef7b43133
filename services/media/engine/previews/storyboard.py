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
# The shortest time that each stands for, in seconds.
_LEAST_SECONDS = Fraction(1)


def storyboard(video: Path, picture: Path, index: Path, address: str, progress: Progress) -> None:
    """Write a JPEG of small pictures, and WebVTT whose cues say which shows what time.

    `video` has a key frame every few seconds; each picture is from the middle of
    its cue. Cues name the JPEG by `address`, relative to their own. `progress`
    takes 0 to 100.
    """
    facts = probe(video, _unheard)
    seconds = max(_LEAST_SECONDS, facts.duration / _MOST)
    starts = [number * seconds for number in range(ceil(facts.duration / seconds))]
    look = look_of(video, facts)
    tile = look.size(_TILE)
    rows = ceil(len(starts) / _COLUMNS)
    sheet = Image.new("RGB", (tile[0] * min(len(starts), _COLUMNS), tile[1] * rows))
    places = [_place(number, tile) for number in range(len(starts))]
    middles = [(start + min(start + seconds, facts.duration)) / 2 for start in starts]
    for number, glimpse in enumerate(glimpses(video, facts, middles, facts.frames)):
        sheet.paste(look.picture(glimpse, tile), places[number])
        progress(100.0 * (number + 1) / len(starts))
    save_jpeg(sheet, picture)
    ends = [*starts[1:], facts.duration]
    cues = zip(starts, ends, places, strict=True)
    lines = ["WEBVTT", ""]
    for start, end, (left, top) in cues:
        lines += [f"{_clock(start)} --> {_clock(end)}"]
        lines += [f"{address}#xywh={left},{top},{tile[0]},{tile[1]}", ""]
    index.write_text("\n".join(lines))


def _place(number: int, tile: tuple[int, int]) -> tuple[int, int]:
    return number % _COLUMNS * tile[0], number // _COLUMNS * tile[1]


def _clock(seconds: Fraction) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"


def _unheard(percent: float) -> None:
    """Reading through the packets of a small video is quick."""
