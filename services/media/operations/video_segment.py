"""`video.segment`: makes one of the stretches into which a long `video.process` is split."""

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
    return [Source("original", video_id=spec.process.source_video_id)]


def _run(job: Job[VideoSegmentSpec]) -> Result:
    from services.media.engine.segments import make_stretch
    from services.media.operations.segment_plan import facts_of, stretch_of
    from services.media.operations.video_plan import encoding_of, filters_of

    spec, pictures = job.spec, job.scratch / "pictures"
    make_stretch(
        job.sources["original"].path,
        pictures,
        facts_of(spec),
        filters_of(spec.process),
        encoding_of(spec.process),
        stretch_of(spec),
        job.progress,
    )
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
