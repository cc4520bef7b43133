"""Takes single frames out of a video, as pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from PIL import Image

from services.media.engine.conversion import size_seen
from services.media.engine.failure import BadMedia
from services.media.engine.glimpses import glimpses
from services.media.engine.images.sizing import Size, checked, completed, fitted
from services.media.engine.previews.look import Look, look_of
from services.media.engine.probe import Progress, VideoFacts

# Files and people tell times in milliseconds, rounded.
_ROUNDING = Fraction(1, 2000)


@dataclass(frozen=True)
class Wanted:
    """The size of a picture; a side that is None follows from the other one."""

    width: int | None
    height: int | None
    # Fill the size and cut evenly what stands out, instead of fitting into it.
    crop: bool


def still(
    path: Path, facts: VideoFacts, time: Fraction, wanted: Wanted, progress: Progress
) -> Image.Image:
    """One of `stills`; it has exactly the size wanted when cropping, else the largest that fits.

    Raises BadMedia also when no frame can be decoded there, or the picture would be too large.
    """
    look = look_of(path, facts)
    choose = completed if wanted.crop else fitted
    size = checked(choose(size_seen(look), wanted.width, wanted.height), "A thumbnail")
    made = stills(path, facts, look, [time], size, progress, crop=wanted.crop)
    picture = next(made, None)
    if picture is None:
        raise BadMedia("The video is damaged: no frame can be decoded at this time.")
    return picture


def stills(
    path: Path,
    facts: VideoFacts,
    look: Look,
    times: Sequence[Fraction],
    size: Size,
    progress: Progress,
    *,
    crop: bool,
) -> Iterator[Image.Image]:
    """What is on screen at each of some rising times, in seconds from the first frame.

    After the end it is the last frame; there may be fewer where a file is damaged. All are
    upright, of square pixels, in sRGB, and of a size in pixels: filled when cropping, else they
    are stretched to it. `progress` takes 0 to 100.
    """
    exact = [min(time, facts.duration) + _ROUNDING for time in times]

    def reached(time: Fraction) -> None:
        progress(min(100.0, float(100 * time / exact[-1])))

    found = glimpses(path, facts, exact, facts.frames, reached)
    for glimpse, picture in look.pictures(found, size, crop=crop):
        reached(glimpse.time)
        yield picture
