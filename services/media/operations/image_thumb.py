"""`image.thumb`: makes an image of another size and turn."""

from services.media.operations.contract import GIB, Job, Limits, Operation, Output, Result, Source
from vitascope.tasks.v2.specs_pb2 import ImageThumbResult, ImageThumbSpec

_SUFFIXES = {"jpeg": "jpg", "gif": "gif", "png": "png"}


def _sources(spec: ImageThumbSpec) -> list[Source]:
    return [Source("image", url=spec.url)]


def _run(job: Job[ImageThumbSpec]) -> Result:
    from services.media.engine.images.thumbnail import Wanted, thumbnail

    spec = job.spec
    name = f"thumb.{_SUFFIXES[spec.format]}"
    wanted = Wanted(
        width=spec.width if spec.HasField("width") else None,
        height=spec.height if spec.HasField("height") else None,
        crop=spec.crop,
        rotation=spec.rotation,
        poster=spec.poster,
        format=spec.format,
    )
    made = thumbnail(job.sources["image"].path, job.scratch / name, wanted)
    message = ImageThumbResult(
        width=made.width,
        height=made.height,
        original_width=made.original_width,
        original_height=made.original_height,
    )
    return Result(message, (Output("output", job.scratch / name, f"image/{spec.format}", name),))


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
