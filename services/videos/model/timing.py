"""Decides frame rates and the stretch of the source."""

from dataclasses import dataclass
from fractions import Fraction

from services.videos.model import rates
from services.videos.model.packaging import Package
from services.videos.model.problems import Problems
from services.videos.model.scanning import Scan
from services.videos.model.wishes import Source, Wish

LEAST_FPS, MOST_FPS = 0.001, 999


@dataclass(frozen=True)
class Timing:
    """`made` pictures a second come out of `converter` before interlacing; None: as they come.

    `stored` are the frames per second of the new file.
    """

    converter: str
    made: Fraction | None
    stored: Fraction


def decide_timing(
    wish: Wish, source: Source, package: Package, scan: Scan, problems: Problems
) -> Timing:
    """Return the frame rates. A format of few rates gets the nearest one of its own accord."""
    asked = _asked(wish, problems)
    natural = source.frame_rate * (2 if scan.doubles else 1)
    fields = 2 if scan.weaves else 1
    possible = _possible(package)
    if asked is not None and possible and asked / fields not in possible:
        of = package.container if not package.encoding.rates else package.encoding.name
        woven = ", twice that where two pictures make one frame" if scan.weaves else ""
        described = f"{of} has {rates.words(possible)}{woven}; not {rates.words([asked])}"
        problems.add("frameRate", described)
    if asked is None and possible and natural:
        asked = rates.nearest(natural / fields, possible) * fields
    converter = wish.frame_rate_converter or "fps"
    stored = (asked or natural) / fields
    return Timing(converter if asked is not None else "", asked, stored)


def decide_range(wish: Wish, source: Source, problems: Problems) -> tuple[int, int | None]:
    """Return start and end of the stretch in milliseconds, no end for the source's own."""
    start = wish.start if wish.start is not None else 0
    end = wish.end if wish.end is not None else source.duration
    for field, value in (("startPositionMilliseconds", start), ("endPositionMilliseconds", end)):
        if not 0 <= value <= source.duration:
            description = f"{value} is not between 0 and {source.duration}, the source's duration"
            problems.add(f"range.{field}", description)
            return 0, None
    if start >= end and (wish.start, wish.end) != (None, None):
        problems.add("range", "must end after it starts")
    return start, end if end < source.duration else None


def _asked(wish: Wish, problems: Problems) -> Fraction | None:
    """The rate that the request names."""
    if wish.fps is not None and wish.frame_rate_tag is not None:
        problems.add("frameRate", "takes a tag or fps, not both")
    elif wish.fps is not None and not LEAST_FPS <= wish.fps <= MOST_FPS:
        problems.add("frameRate.fps", f"{wish.fps} is not between {LEAST_FPS} and {MOST_FPS}")
    elif wish.fps is not None:
        return rates.exact(wish.fps)
    elif wish.frame_rate_tag is not None:
        return rates.TAGS[wish.frame_rate_tag]
    elif wish.frame_rate_converter is not None:
        problems.add("frameRate", "must be given with a frameRateConverter")
    return None


def _possible(package: Package) -> tuple[Fraction, ...]:
    if package.encoding.rates:
        return package.encoding.rates
    return rates.MXF if package.container == "mxf" else ()
