"""`image.strip`: joins several images to one."""

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
from vitascope.tasks.v2.specs_pb2 import ImageStripResult, ImageStripSpec

_SUFFIXES = {"jpeg": "jpg", "png": "png"}


def _sources(spec: ImageStripSpec) -> list[Source]:
    return [Source(f"image-{number}", url=url) for number, url in enumerate(spec.urls)]


def _run(job: Job[ImageStripSpec]) -> Result:
    from services.media.engine.images.framing import frame_size, frames
    from services.media.engine.images.strip import strip

    spec = job.spec
    paths = [job.sources[source.name].path for source in _sources(spec)]
    count = len(paths)
    width = spec.width if spec.HasField("width") else None
    height = spec.height if spec.HasField("height") else None
    size = frame_size(paths, width, height)
    name = f"strip.{_SUFFIXES[spec.format]}"
    whole = strip(
        frames(paths, size, crop=spec.crop),
        size,
        count,
        spec.wrap if spec.HasField("wrap") else None,
        job.scratch / name,
        spec.format,
        lambda placed: job.progress(100 * placed / count),
    )
    content_type = f"image/{spec.format}"
    message = ImageStripResult(
        count=count, width=whole[0], height=whole[1], content_type=content_type
    )
    return Result(message, (Output("output", job.scratch / name, content_type, name),))


OPERATION = Operation(
    kind="image.strip",
    spec_type=ImageStripSpec,
    result_type=ImageStripResult,
    limits=Limits(
        memory_bytes=4 * GIB,
        cpu_seconds=HOUR // 2,
        output_bytes=GIB,
        open_files=64,
        wall_seconds=HOUR,
    ),
    sources=_sources,
    run=_run,
)
