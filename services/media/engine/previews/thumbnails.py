"""Picks a frame that shows what a video is about, and makes thumbnails of it."""

from fractions import Fraction
from pathlib import Path

from PIL import Image

from services.media.engine.failure import BadMedia
from services.media.engine.glimpses import Glimpse, glimpses
from services.media.engine.previews.interest import interest
from services.media.engine.previews.look import Look
from services.media.engine.probe import Progress, VideoFacts

SMALL, LARGE = (320, 320), (1280, 1280)
"""The boxes that thumbnails fit into, in pixels."""

# Parts of the duration at which to look; what is better than all before is taken.
_PLACES = [Fraction(place, 100) for place in (10, 18, 25, 32, 40, 48, 55, 62, 70, 78, 86, 94)]
# Pixels to decode in all, where key frames are far apart.
_DECODED = 1_000_000_000
_GLANCE = (160, 160)
_QUALITY = 88


def thumbnails(
    source: Path, small: Path, large: Path, facts: VideoFacts, look: Look, progress: Progress
) -> None:
    """Write two JPEGs of the best of some frames, in sRGB, upright, never enlarged.

    `progress` takes 0 to 100. Raises BadMedia when none of the frames can be decoded.
    """
    best = _best(source, facts, look, progress)
    ((_, picture),) = look.pictures([best], look.size(LARGE))
    save_jpeg(picture, large)
    save_jpeg(picture.resize(look.size(SMALL), Image.Resampling.LANCZOS, reducing_gap=3.0), small)
    progress(100.0)


def save_jpeg(picture: Image.Image, path: Path) -> None:
    """Write a picture of 8-bit RGB."""
    picture.save(path, "JPEG", quality=_QUALITY, optimize=True, progressive=True)


def _best(source: Path, facts: VideoFacts, look: Look, progress: Progress) -> Glimpse:
    times = [place * facts.duration for place in _PLACES]
    frames = _DECODED // (facts.width * facts.height)
    most = facts.frames if facts.frames <= frames else max(1, frames // len(times))
    best, most_interesting = None, -1.0
    glances = look.pictures(glimpses(source, facts, times, most), look.size(_GLANCE))
    for number, (glimpse, picture) in enumerate(glances):
        found = interest(picture)
        if found > most_interesting:
            best, most_interesting = glimpse, found
        progress(90.0 * (number + 1) / len(times))
    if best is None:
        raise BadMedia("None of the video's frames can be decoded.")
    return best
