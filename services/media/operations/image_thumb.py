"""`image.thumb`: makes an image of another size and turn."""

from services.media.operations.contract import GIB, Job, Limits, Operation, Result, Source
from services.media.operations.pictures import asked_size, picture_output
from vitascope.tasks.v2.specs_pb2 import ImageThumbResult, ImageThumbSpec


def _sources(spec: ImageThumbSpec) -> list[Source]:
    return [Source("image", url=spec.url)]


def _run(job: Job[ImageThumbSpec]) -> Result:
    from services.media.engine.images.thumbnail import Wanted, thumbnail

    spec = job.spec
    width, height = asked_size(spec)
    wanted = Wanted(
        width=width,
        height=height,
        crop=spec.crop,
        rotation=spec.rotation,
        poster=spec.poster,
        format=spec.format,
    )
    output = picture_output(job.scratch, "thumb", spec.format)
    made = thumbnail(job.sources["image"].path, output.path, wanted)
    message = ImageThumbResult(
        width=made.width,
        height=made.height,
        original_width=made.original_width,
        original_height=made.original_height,
    )
    return Result(message, (output,))


OPERATION = Operation(
    kind="image.thumb",
    spec_type=ImageThumbSpec,
    result_type=ImageThumbResult,
    limits=Limits(
        memory_bytes=4 * GIB, cpu_seconds=120, output_bytes=GIB, open_files=64, wall_seconds=300
    ),
    sources=_sources,
    run=_run,
)
