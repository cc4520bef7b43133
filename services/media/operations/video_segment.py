"""`video.segment`: makes one of the stretches into which a long conversion is split."""

from services.media.operations.contract import (
    GIB,
    HOUR,
    Job,
    Limits,
    Operation,
    Output,
    Result,
    Source,
)
from vitascope.media.v1.operations_pb2 import VideoSegmentResult, VideoSegmentSpec


def _sources(spec: VideoSegmentSpec) -> list[Source]:
    if spec.HasField("convert"):
        return [Source("original", url=spec.convert.url, part_key=spec.source_key or None)]
    return [Source("original", video_id=spec.process.source_video_id)]


def _run(job: Job[VideoSegmentSpec]) -> Result:
    from services.media.engine.segments import make_stretch
    from services.media.operations.segment_plan import facts_of, plan_of, stretch_of

    spec, pictures = job.spec, job.scratch / "pictures"
    source, facts = job.sources["original"].path, facts_of(spec)
    filters, encoding = plan_of(spec, source, facts)
    make_stretch(source, pictures, facts, filters, encoding, stretch_of(spec), job.progress)
    file = Output("pictures", pictures, "application/octet-stream", "pictures")
    return Result(VideoSegmentResult(), (file,))


OPERATION = Operation(
    kind="video.segment",
    spec_type=VideoSegmentSpec,
    result_type=VideoSegmentResult,
    limits=Limits(
        memory_bytes=16 * GIB,
        cpu_seconds=96 * HOUR,
        output_bytes=1024 * GIB,
        open_files=64,
        wall_seconds=24 * HOUR,
    ),
    sources=_sources,
    run=_run,
)
