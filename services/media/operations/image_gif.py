"""`image.gif`: makes an animation of several images."""

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
from services.media.operations.pictures import asked_size
from vitascope.tasks.v2.specs_pb2 import ImageGifResult, ImageGifSpec


def _sources(spec: ImageGifSpec) -> list[Source]:
    return [Source(f"image-{number}", url=url) for number, url in enumerate(spec.images)]


def _run(job: Job[ImageGifSpec]) -> Result:
    from services.media.engine.images.framing import frame_size, frames
    from services.media.engine.images.gif import animate, animation_size

    spec = job.spec
    paths = [job.sources[source.name].path for source in _sources(spec)]
    size = animation_size(frame_size(paths, *asked_size(spec)), len(paths))
    animate(
        frames(paths, size, crop=False),
        size,
        job.scratch / "animation.gif",
        loop=spec.loop,
        hundredths=max(1, round(spec.frame_duration * 100)),
        written=lambda count: job.progress(100 * count / len(paths)),
    )
    output = Output("output", job.scratch / "animation.gif", "image/gif", "animation.gif")
    return Result(ImageGifResult(), (output,))


OPERATION = Operation(
    kind="image.gif",
    spec_type=ImageGifSpec,
    result_type=ImageGifResult,
    limits=Limits(
        memory_bytes=4 * GIB,
        cpu_seconds=HOUR // 2,
        output_bytes=2 * GIB,
        open_files=64,
        wall_seconds=HOUR,
    ),
    sources=_sources,
    run=_run,
)
