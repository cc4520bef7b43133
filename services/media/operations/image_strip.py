"""`image.strip`: joins several images to one."""

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
from vitascope.tasks.v2.specs_pb2 import ImageStripResult, ImageStripSpec


def _sources(spec: ImageStripSpec) -> list[Source]:
    return [Source(f"image-{number}", url=url) for number, url in enumerate(spec.urls)]


def _run(job: Job[ImageStripSpec]) -> Result:
    from services.media.engine.images.framing import frame_size, frames
    from services.media.engine.images.strip import strip

    spec = job.spec
    paths = [job.sources[source.name].path for source in _sources(spec)]
    count = len(paths)
    size = frame_size(paths, *asked_size(spec))
    output = picture_output(job.scratch, "strip", spec.format)
    whole = strip(
        frames(paths, size, crop=spec.crop),
        size,
        count,
        spec.wrap if spec.HasField("wrap") else None,
        output.path,
        spec.format,
        lambda placed: job.progress(100 * placed / count),
    )
    message = ImageStripResult(
        count=count, width=whole[0], height=whole[1], content_type=output.content_type
    )
    return Result(message, (output,))


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
