"""`video.process`: makes a new video of an uploaded one."""

from services.media.operations.contract import (
    Job,
    Operation,
    Output,
    Result,
    Source,
    Split,
)
from services.media.operations.segmenting import joined, parts_of
from services.media.operations.video_plan import encoding_of, filters_of
from services.media.operations.video_segment import OPERATION as SEGMENT
from vitascope.media.v1.internal_pb2 import ROLE_PROCESSED
from vitascope.media.v1.operations_pb2 import VideoProcessResult, VideoProcessSpec

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

    spec, source = job.spec, job.sources["original"].path
    output = job.scratch / f"output.{spec.container}"
    facts = probe(source, _unheard)
    plan = filters_of(spec), encoding_of(spec)
    if parts := parts_of(job, source, facts, *plan):
        return Split(parts)
    if not joined(job, source, output, facts, *plan, job.progress):
        transcode(source, output, facts, *plan, job.progress)
    made = video_metadata(probe(output, _unheard))
    file = Output("output", output, _CONTENT_TYPES[spec.container], spec.file_name)
    return Result(VideoProcessResult(metadata=made), (file,))


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
