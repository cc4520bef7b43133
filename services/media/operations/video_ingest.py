"""`video.ingest`: reads what an uploaded video holds."""

from services.media.operations.contract import GIB, HOUR, Job, Limits, Operation, Result, Source
from vitascope.media.v1.operations_pb2 import VideoIngestResult, VideoIngestSpec


def _sources(spec: VideoIngestSpec) -> list[Source]:
    return [Source("original", video_id=spec.video_id)]


def _run(job: Job[VideoIngestSpec]) -> Result:
    from services.media.engine.probe import probe
    from services.media.operations.video_metadata import video_metadata

    facts = probe(job.sources["original"].path, job.progress)
    return Result(VideoIngestResult(metadata=video_metadata(facts)))


OPERATION = Operation(
    kind="video.ingest",
    spec_type=VideoIngestSpec,
    result_type=VideoIngestResult,
    limits=Limits(
        memory_bytes=4 * GIB, cpu_seconds=HOUR, output_bytes=0, open_files=64, wall_seconds=HOUR
    ),
    sources=_sources,
    run=_run,
)
