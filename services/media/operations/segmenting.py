"""Splits long conversions into `video.segment`, and joins what these made."""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.media.operations.contract import Job, Part, part_file
from services.media.operations.segment_plan import segment_spec
from services.media.operations.video_segment import OPERATION as SEGMENT

if TYPE_CHECKING:
    # The engine brings FFmpeg, which whoever lists operations does not need.
    from services.media.engine.plan import Encoding, Filters
    from services.media.engine.probe import VideoFacts


def parts_of(
    job: Job[Any], source: Path, facts: "VideoFacts", filters: "Filters", encoding: "Encoding"
) -> tuple[Part, ...]:
    """The parts in which to make a video; none where it is made at once, or they are there."""
    from services.media.engine.segments import stretches

    if job.parts:
        return ()
    cut = stretches(source, facts, filters, encoding)
    end = (filters.end or facts.duration) - filters.start
    return tuple(
        Part(
            SEGMENT.kind, segment_spec(job.spec, facts, each), float((each.end or end) - each.first)
        )
        for each in cut
    )


def joined(
    job: Job[Any],
    source: Path,
    output: Path,
    facts: "VideoFacts",
    filters: "Filters",
    encoding: "Encoding",
    progress: Callable[[float], None],
) -> bool:
    """Whether there are parts, and what they made could be joined into the video."""
    from services.media.engine.segments import Misfit, join

    if not job.parts:
        return False
    shelves = [job.sources[part_file(number, "pictures")].path for number in range(len(job.parts))]
    try:
        join(source, output, facts, filters, encoding, shelves, progress)
    except Misfit:
        # Machines that are too different have made them: then this one makes all of it.
        traceback.print_exc()
        return False
    return True
