"""`video.thumb`: makes an image of one frame of a video."""

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
from vitascope.tasks.v2.specs_pb2 import VideoThumbResult, VideoThumbSpec

_STEPS = {"probe": 10, "frame": 90}
# Version 1 has no parameter for it.
_USUAL_QUALITY = 75


def _sources(spec: VideoThumbSpec) -> list[Source]:
    return [Source("video", url=spec.url)]


def _run(job: Job[VideoThumbSpec]) -> Result:
    from services.media.engine.images.play_sign import with_play_sign
    from services.media.engine.images.saving import save
    from services.media.engine.probe import probe
    from services.media.engine.stills import Wanted, still

    spec, source, steps = job.spec, job.sources["video"].path, Steps(_STEPS, job.progress)
    facts = probe(source, steps.progress("probe"))
    wanted = Wanted(*asked_size(spec), crop=spec.crop)
    picture = still(source, facts, Fraction(spec.time), wanted, steps.progress("frame"))
    output = picture_output(job.scratch, "thumb", spec.format)
    quality = spec.quality if spec.HasField("quality") else _USUAL_QUALITY
    image = with_play_sign(picture) if spec.poster else picture
    save(image, output.path, spec.format, quality)
    message = VideoThumbResult(
        width=image.width,
        height=image.height,
        original_width=facts.width,
        original_height=facts.height,
        duration=float(facts.duration),
        content_type=output.content_type,
    )
    return Result(message, (output,))


OPERATION = Operation(
    kind="video.thumb",
    spec_type=VideoThumbSpec,
    result_type=VideoThumbResult,
    limits=Limits(
        memory_bytes=8 * GIB,
        cpu_seconds=4 * HOUR,
        output_bytes=GIB,
        open_files=64,
        wall_seconds=2 * HOUR,
    ),
    sources=_sources,
    run=_run,
)
