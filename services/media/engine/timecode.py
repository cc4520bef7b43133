"""Carries a timecode on to another start and another frame rate."""

import re
from fractions import Fraction

from av.video.stream import VideoStream

# Frames per second that timecodes are counted in.
_RATES = tuple(
    Fraction(rate)
    for rate in ("24000/1001", 24, 25, "30000/1001", 30, 48, 50, "60000/1001", 60, 100, 120)
)
_DROPPING = (Fraction(30_000, 1001), Fraction(60_000, 1001))
_FORM = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)")


def source_timecode(stream: VideoStream) -> str | None:
    """The timecode of a video's first frame, as hh:mm:ss:ff; None when it has none."""
    container = stream.container
    tags = (stream.metadata, container.metadata, *(each.metadata for each in container.streams))
    return next((found["timecode"] for found in tags if found.get("timecode")), None)


def moved_timecode(
    timecode: str, source: Fraction, seconds: Fraction, target: Fraction
) -> str | None:
    """The timecode of a video of `target` frames a second that starts `seconds` later.

    `source` is the rate that `timecode` is counted in. The time of day that it
    says stays. None when no timecode is counted at one of the rates, or when it
    is malformed.
    """
    match = _FORM.fullmatch(timecode)
    if match is None or source not in _RATES or target not in _RATES:
        return None
    hours, minutes, whole, frames = (int(match[index]) for index in (1, 2, 3, 5))
    dropping = match[4] != ":" and source in _DROPPING
    count = ((hours * 60 + minutes) * 60 + whole) * round(source) + frames
    if dropping:
        count -= _dropped(hours * 60 + minutes, source)
    hours, minutes, whole, frames = _counted(count + round(seconds * source), source, dropping)
    frames = frames * round(target) // round(source)
    mark = ";" if dropping and target in _DROPPING else ":"
    return f"{hours:02}:{minutes:02}:{whole:02}{mark}{frames:02}"


def _dropped(minutes: int, rate: Fraction) -> int:
    """Numbers left out in so many minutes: some each minute, but every tenth."""
    return round(rate / 15) * (minutes - minutes // 10)


def _counted(count: int, rate: Fraction, dropping: bool) -> tuple[int, int, int, int]:
    """Hours, minutes, seconds and frames of the frame of that number."""
    base = round(rate)
    if dropping:
        each = round(rate / 15)
        tens, rest = divmod(count, base * 600 - each * 9)
        # The first of ten minutes is whole, the others lack their first numbers.
        count += each * (tens * 9 + max(0, rest - each) // (base * 60 - each))
    seconds, frames = divmod(count, base)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return hours % 24, minutes, seconds, frames
