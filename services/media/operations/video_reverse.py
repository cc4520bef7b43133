"""`video.reverse`: makes a video that goes backwards, picture and sound."""

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
from services.media.operations.video_conversion import reversal_of
from vitascope.tasks.v2.specs_pb2 import VideoReverseResult, VideoReverseSpec

_STEPS = {"probe": 3, "film": 96, "result": 1}


def _sources(spec: VideoReverseSpec) -> list[Source]:
    return [Source("video", url=spec.url)]


def _run(job: Job[VideoReverseSpec]) -> Result:
    from services.media.engine.probe import probe
    from services.media.engine.reversal import reverse

    source, steps = job.sources["video"].path, Steps(_STEPS, job.progress)
    facts = probe(source, steps.progress("probe"))
    job.partial(VideoReverseResult(duration=float(facts.duration)))
    plan = reversal_of(job.spec, source, facts)
    output = job.scratch / f"reversed.{plan.kind.suffix}"
    reverse(source, output, facts, plan.filters, plan.encoding, steps.progress("film"))
    made = probe(output, steps.progress("result"))
    message = VideoReverseResult(duration=float(made.duration))
    return Result(message, (Output("output", output, plan.kind.content_type, output.name),))


OPERATION = Operation(
    kind="video.reverse",
    spec_type=VideoReverseSpec,
    result_type=VideoReverseResult,
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
