"""`video.convert`: makes a video of another size and other rates that players open."""

from pathlib import Path
from typing import TYPE_CHECKING

from services.media.operations.contract import (
    Job,
    Operation,
    Output,
    Result,
    Source,
    Split,
)
from services.media.operations.segmenting import joined, parts_of
from services.media.operations.steps import Steps
from services.media.operations.video_conversion import Conversion, conversion_of
from services.media.operations.video_segment import OPERATION as SEGMENT
from vitascope.tasks.v2.specs_pb2 import VideoConvertResult, VideoConvertSpec

if TYPE_CHECKING:
    # The engine brings FFmpeg, which whoever lists operations does not need.
    from services.media.engine.probe import VideoFacts

_STEPS = {"probe": 3, "film": 96, "result": 1}


def _sources(spec: VideoConvertSpec) -> list[Source]:
    return [Source("video", url=spec.url)]


def _run(job: Job[VideoConvertSpec]) -> Result | Split:
    from services.media.engine.probe import probe
    from services.media.engine.transcode import transcode

    source, steps = job.sources["video"].path, Steps(_STEPS, job.progress)
    facts = probe(source, steps.progress("probe"))
    plan = conversion_of(job.spec, source, facts)
    known = _known(job.spec, facts, plan)
    job.partial(known)
    if parts := parts_of(job, source, facts, plan.filters, plan.encoding):
        return Split(parts)
    output = job.scratch / f"video.{plan.kind.suffix}"
    told = steps.progress("film")
    if not joined(job, source, output, facts, plan.filters, plan.encoding, told):
        transcode(source, output, facts, plan.filters, plan.encoding, told)
    _tell(known, output, steps)
    return Result(known, (Output("output", output, plan.kind.content_type, output.name),))


def _known(spec: VideoConvertSpec, facts: "VideoFacts", plan: Conversion) -> VideoConvertResult:
    """What is known before the new file is there."""
    return VideoConvertResult(
        content_type=plan.kind.content_type,
        width=plan.size[0],
        height=plan.size[1],
        original_width=facts.width,
        original_height=facts.height,
        video_codec=spec.video_codec,
        # It is upright, and H.264 has no transparency.
        alpha=False,
        rotation=0.0,
    )


def _tell(known: VideoConvertResult, output: Path, steps: Steps) -> None:
    """Add what the new file says."""
    from services.media.engine.probe import probe
    from services.media.engine.reading import open_video

    facts = probe(output, steps.progress("result"))
    known.duration = float(facts.duration)
    known.frame_rate = float(facts.average_rate)
    with open_video(output) as reader:
        for stream in reader.streams.audio:
            known.audio_codec = stream.codec_context.codec.canonical_name


OPERATION = Operation(
    kind="video.convert",
    spec_type=VideoConvertSpec,
    result_type=VideoConvertResult,
    # A film that is not cut is one segment.
    limits=SEGMENT.limits,
    sources=_sources,
    run=_run,
    parts=frozenset({SEGMENT.kind}),
)
