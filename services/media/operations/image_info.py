"""`image.info`: reads what an image file says about itself."""

from dataclasses import asdict

from services.media.operations.contract import GIB, Job, Limits, Operation, Result, Source
from vitascope.tasks.v2.specs_pb2 import ImageInfoResult, ImageInfoSpec


def _sources(spec: ImageInfoSpec) -> list[Source]:
    return [Source("image", url=spec.url)]


def _run(job: Job[ImageInfoSpec]) -> Result:
    from services.media.engine.images.metadata import describe

    facts = describe(job.sources["image"].path)
    return Result(ImageInfoResult(type="image", **asdict(facts)))


OPERATION = Operation(
    kind="image.info",
    spec_type=ImageInfoSpec,
    result_type=ImageInfoResult,
    limits=Limits(
        memory_bytes=2 * GIB, cpu_seconds=60, output_bytes=0, open_files=64, wall_seconds=120
    ),
    sources=_sources,
    run=_run,
)
