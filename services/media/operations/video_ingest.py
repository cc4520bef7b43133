"""`video.ingest`: reads what an uploaded video holds, judges it, and makes its previews."""

from pathlib import Path
from typing import TYPE_CHECKING

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
from services.media.operations.steps import Steps
from services.media.operations.video_metadata import finding, quality_assessment, video_metadata
from vitascope.media.v1 import internal_pb2
from vitascope.media.v1.operations_pb2 import VideoIngestResult, VideoIngestSpec

if TYPE_CHECKING:
    # The engine brings FFmpeg, which whoever lists operations does not need.
    from services.media.engine.probe import VideoFacts

# How much of the work each step is, roughly; the version for browsers is coded anew.
_STEPS = {"probe": 3, "scanning": 12, "quality": 5, "thumbnails": 5, "web": 70, "storyboard": 5}

_THUMBNAIL_SMALL = Output("thumbnail_small", Path("small.jpg"), "image/jpeg", "thumbnail-small.jpg")
_THUMBNAIL_LARGE = Output("thumbnail_large", Path("large.jpg"), "image/jpeg", "thumbnail-large.jpg")
_WEB_VIDEO = Output("web_video", Path("web.mp4"), "video/mp4", "web.mp4")
_STORYBOARD = Output("storyboard", Path("storyboard.jpg"), "image/jpeg", "storyboard.jpg")
_STORYBOARD_INDEX = Output("storyboard_index", Path("storyboard.vtt"), "text/vtt", "storyboard.vtt")
_OUTPUTS = (_THUMBNAIL_SMALL, _THUMBNAIL_LARGE, _WEB_VIDEO, _STORYBOARD, _STORYBOARD_INDEX)


def _sources(spec: VideoIngestSpec) -> list[Source]:
    return [Source("original", video_id=spec.video_id)]


def _run(job: Job[VideoIngestSpec]) -> Result:
    from services.media.engine.probe import probe

    source = job.sources["original"].path
    if job.spec.light:
        return Result(VideoIngestResult(metadata=video_metadata(probe(source, job.progress))))
    steps = Steps(_STEPS, job.progress)
    facts = probe(source, steps.progress("probe"))
    found = VideoIngestResult(metadata=video_metadata(facts))
    job.partial(found)
    facts = _judge(job, facts, found, steps)
    return Result(found, _previews(job, facts, found, steps))


def _judge(
    job: Job[VideoIngestSpec], facts: "VideoFacts", found: VideoIngestResult, steps: Steps
) -> "VideoFacts":
    """Look at the pictures; return what to take the video for."""
    from services.media.engine.quality.assessment import assess
    from services.media.engine.scanning.seen import seen_scanning
    from services.media.engine.scanning.taken import taken_for

    source = job.sources["original"].path
    seen = seen_scanning(source, facts, steps.progress("scanning"))
    found.metadata.scanning.heuristics.CopyFrom(finding(seen))
    job.partial(found)
    facts = taken_for(facts, seen)
    assessment = assess(source, facts, steps.progress("quality"))
    if assessment is not None:
        found.quality_assessment.CopyFrom(quality_assessment(assessment))
        job.partial(found)
    return facts


def _previews(
    job: Job[VideoIngestSpec], facts: "VideoFacts", found: VideoIngestResult, steps: Steps
) -> tuple[Output, ...]:
    from services.media.engine.previews.look import look_of
    from services.media.engine.previews.storyboard import storyboard
    from services.media.engine.previews.thumbnails import thumbnails
    from services.media.engine.previews.web import web_video

    source, folder = job.sources["original"].path, job.scratch
    look = look_of(source, facts)
    small, large, web, board, index = (folder / output.path for output in _OUTPUTS)
    thumbnails(source, small, large, facts, look, steps.progress("thumbnails"))
    web_video(source, web, facts, look, steps.progress("web"))
    # Its key frames are near one another, whatever those of the source are.
    storyboard(web, board, index, _STORYBOARD.file_name, steps.progress("storyboard"))
    found.thumbnails = found.web_video = True
    return tuple(
        Output(each.name, folder / each.path, each.content_type, each.file_name)
        for each in _OUTPUTS
    )


OPERATION = Operation(
    kind="video.ingest",
    spec_type=VideoIngestSpec,
    result_type=VideoIngestResult,
    # As long as `video.process` may take: the version for browsers is one of its works.
    limits=Limits(
        memory_bytes=8 * GIB,
        cpu_seconds=48 * HOUR,
        output_bytes=64 * GIB,
        open_files=64,
        wall_seconds=24 * HOUR,
    ),
    sources=_sources,
    run=_run,
    roles={
        _THUMBNAIL_SMALL.name: internal_pb2.ROLE_THUMBNAIL_SMALL,
        _THUMBNAIL_LARGE.name: internal_pb2.ROLE_THUMBNAIL_LARGE,
        _WEB_VIDEO.name: internal_pb2.ROLE_WEB_VIDEO,
        _STORYBOARD.name: internal_pb2.ROLE_STORYBOARD,
        _STORYBOARD_INDEX.name: internal_pb2.ROLE_STORYBOARD_INDEX,
    },
)
