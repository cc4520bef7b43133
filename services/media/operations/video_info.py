"""`video.info`: reads what a video file is."""

from services.media.operations.contract import GIB, HOUR, Job, Limits, Operation, Result, Source
from vitascope.tasks.v2.specs_pb2 import VideoInfoResult, VideoInfoSpec


def _sources(spec: VideoInfoSpec) -> list[Source]:
    return [Source("video", url=spec.url)]


def _run(job: Job[VideoInfoSpec]) -> Result:
    from services.media.engine.description import describe
    from services.media.engine.probe import probe

    path = job.sources["video"].path
    facts = probe(path, job.progress)
    described = describe(path)
    message = VideoInfoResult(
        content_type=described.content_type,
        width=facts.width,
        height=facts.height,
        duration=float(facts.duration),
        frame_rate=float(facts.average_rate),
        alpha=described.alpha,
        rotation=described.rotation,
        audio_codec=described.audio_codec,
        video_codec=facts.codec_name,
    )
    return Result(message)


OPERATION = Operation(
    kind="video.info",
    spec_type=VideoInfoSpec,
    result_type=VideoInfoResult,
    limits=Limits(
        memory_bytes=4 * GIB,
        cpu_seconds=HOUR,
        output_bytes=0,
        open_files=64,
        wall_seconds=HOUR,
    ),
    sources=_sources,
    run=_run,
)
