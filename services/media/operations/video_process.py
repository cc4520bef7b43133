"""`video.process`: makes a new video of an uploaded one."""

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from services.media.operations.contract import (
    Job,
    Operation,
    Output,
    Part,
    Result,
    Source,
    Split,
    part_file,
)
from services.media.operations.video_segment import OPERATION as SEGMENT
from vitascope.media.v1.internal_pb2 import ROLE_PROCESSED
from vitascope.media.v1.operations_pb2 import VideoProcessResult, VideoProcessSpec

if TYPE_CHECKING:
    # The engine brings FFmpeg, which whoever lists operations does not need.
    from services.media.engine.probe import VideoFacts

_CONTENT_TYPES = {
    "mov": "video/quicktime",
    "mp4": "video/mp4",
    "mts": "video/mp2t",
    "mxf": "application/mxf",
}


def _sources(spec: VideoProcessSpec) -> list[Source]:
    return [Source("original", video_id=spec.source_video_id)]


def _run(job: Job[VideoProcessSpec]) -> Result | Split:
    from services.media.engine.probe import probe
    from services.media.engine.transcode import transcode
    from services.media.operations.video_metadata import video_metadata
    from services.media.operations.video_plan import encoding_of, filters_of

    spec, source = job.spec, job.sources["original"].path
    output = job.scratch / f"output.{spec.container}"
    facts = probe(source, _unheard)
    if parts := _parts(job, facts):
        return Split(parts)
    if not (job.parts and _joined(job, facts, output)):
        transcode(source, output, facts, filters_of(spec), encoding_of(spec), job.progress)
    made = video_metadata(probe(output, _unheard))
    file = Output("output", output, _CONTENT_TYPES[spec.container], spec.file_name)
    return Result(VideoProcessResult(metadata=made), (file,))


def _parts(job: Job[VideoProcessSpec], facts: "VideoFacts") -> tuple[Part, ...]:
    """The parts in which to make the video; none where it is made at once, or they are there."""
    from services.media.engine.segments import stretches
    from services.media.operations.segment_plan import segment_spec
    from services.media.operations.video_plan import encoding_of, filters_of

    if job.parts:
        return ()
    spec, filters = job.spec, filters_of(job.spec)
    cut = stretches(job.sources["original"].path, facts, filters, encoding_of(spec))
    end = (filters.end or facts.duration) - filters.start
    return tuple(
        Part(SEGMENT.kind, segment_spec(spec, facts, each), float((each.end or end) - each.first))
        for each in cut
    )


def _joined(job: Job[VideoProcessSpec], facts: "VideoFacts", output: Path) -> bool:
    """Whether what the parts made could be joined into the video."""
    from services.media.engine.segments import Misfit, join
    from services.media.operations.video_plan import encoding_of, filters_of

    filters, encoding = filters_of(job.spec), encoding_of(job.spec)
    shelves = [job.sources[part_file(number, "pictures")].path for number in range(len(job.parts))]
    try:
        join(job.sources["original"].path, output, facts, filters, encoding, shelves, job.progress)
    except Misfit:
        # Machines that are too different have made them: then this one makes all of it.
        traceback.print_exc()
        return False
    return True


def _unheard(percent: float) -> None:
    """Reading through a file is quick next to encoding; its progress is not told."""


OPERATION = Operation(
    kind="video.process",
    spec_type=VideoProcessSpec,
    result_type=VideoProcessResult,
    # A film that is not cut is one segment.
    limits=SEGMENT.limits,
    sources=_sources,
    run=_run,
    roles={"output": ROLE_PROCESSED},
    parts=frozenset({SEGMENT.kind}),
)
