"""Makes one picture of frames of a video at equal distances."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from services.media.engine.conversion import size_seen
from services.media.engine.failure import BadMedia
from services.media.engine.images.framing import placed
from services.media.engine.images.sizing import Size, checked, completed, fitted
from services.media.engine.images.strip import strip
from services.media.engine.previews.look import look_of
from services.media.engine.probe import Progress, VideoFacts
from services.media.engine.stills import Wanted, stills


@dataclass(frozen=True)
class Layout:
    """Which frames of a video are to stand where."""

    # Of the first and the last frame, in seconds from the video's first; None: the last one.
    start: Fraction
    end: Fraction | None
    count: int
    # How many stand beside one another; None: all.
    wrap: int | None


@dataclass(frozen=True)
class FilmStrip:
    """A strip: how many frames it has, and its size in pixels."""

    count: int
    size: Size


def film_strip(
    video: Path,
    facts: VideoFacts,
    wanted: Wanted,
    layout: Layout,
    destination: Path,
    file_format: str,
    progress: Progress,
) -> FilmStrip:
    """Write a strip, `jpeg` or `png`, of frames that are upright, in sRGB, of square pixels.

    It has fewer frames than wanted where the video has fewer, or where it is damaged. What is not
    cropped stands in the middle of its section. `progress` takes 0 to 100. Raises BadMedia when no
    frame can be decoded, or the strip would be too large.
    """
    look = look_of(video, facts)
    seen = size_seen(look)
    size = completed(seen, wanted.width, wanted.height)
    inner = size if wanted.crop else fitted(seen, *size)
    times = _times(facts, layout)
    across = min(layout.wrap or len(times), len(times))
    checked((across * size[0], -(-len(times) // across) * size[1]), "A strip")
    shown = stills(video, facts, look, times, inner, progress, crop=wanted.crop)
    # All of them together are as large as the strip.
    frames = [placed(picture, size) for picture in shown]
    if not frames:
        raise BadMedia("The video is damaged: none of the frames wanted can be decoded.")
    whole = strip(
        frames, size, len(frames), layout.wrap, destination, file_format, lambda count: None
    )
    return FilmStrip(len(frames), whole)


def _times(facts: VideoFacts, layout: Layout) -> list[Fraction]:
    """When the frames are shown; there are no more than the video has."""
    start = min(layout.start, facts.duration)
    # When the last frame begins, unless frames last differently long.
    last = facts.duration - 1 / facts.average_rate
    end = max(start, last if layout.end is None else min(layout.end, facts.duration))
    count = min(layout.count, 1 + round((end - start) * facts.average_rate))
    times = [start + number * (end - start) / max(1, count - 1) for number in range(count)]
    if layout.end is None and count > 1:
        times[-1] = facts.duration
    return times
