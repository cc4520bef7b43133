"""`video.strip`: joins frames of a video to one image."""

from fractions import Fraction

from services.media.operations.contract import (
    GIB,
    HOUR,
    Job,
    Limits,
    Operation,
    Result,
    Source,
)
from services.media.operations.pictures import asked_size, picture_output
from services.media.operations.steps import Steps
from vitascope.tasks.v2.specs_pb2 import VideoStripResult, VideoStripSpec

_STEPS = {"probe": 10, "frames": 90}


def _sources(spec: VideoStripSpec) -> list[Source]:
    return [Source("video", url=spec.url)]


def _run(job: Job[VideoStripSpec]) -> Result:
    from services.media.engine.film_strip import Layout, film_strip
    from services.media.engine.probe import probe
    from services.media.engine.stills import Wanted

    spec, source, steps = job.spec, job.sources["video"].path, Steps(_STEPS, job.progress)
    facts = probe(source, steps.progress("probe"))
    output = picture_output(job.scratch, "strip", spec.format)
    message = VideoStripResult(
        original_width=facts.width,
        original_height=facts.height,
        duration=float(facts.duration),
        frame_rate=float(facts.average_rate),
        content_type=output.content_type,
    )
    job.partial(message)
    wanted = Wanted(*asked_size(spec), crop=spec.crop)
    layout = Layout(
        start=Fraction(spec.start),
        end=Fraction(spec.end) if spec.HasField("end") else None,
        count=spec.count,
        wrap=spec.wrap if spec.HasField("wrap") else None,
    )
    told = steps.progress("frames")
    made = film_strip(source, facts, wanted, layout, output.path, spec.format, told)
    message.count = made.count
    message.width, message.height = made.size
    return Result(message, (output,))


OPERATION = Operation(
    kind="video.strip",
    spec_type=VideoStripSpec,
    result_type=VideoStripResult,
    limits=Limits(
        memory_bytes=8 * GIB,
        cpu_seconds=8 * HOUR,
        output_bytes=GIB,
        open_files=64,
        wall_seconds=4 * HOUR,
    ),
    sources=_sources,
    run=_run,
)
