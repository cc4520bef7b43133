"""An operation that does nothing; run as a program, the sandbox's fork server with only that.

The Tasks API knows only its own kinds, so it goes by the name of one of them.
"""

import socket
import sys
from types import MappingProxyType

from services.media import operations
from services.media.operations import Job, Limits, Operation, Result, Source
from services.media.sandbox.forkserver import serve
from vitascope.tasks.v2.specs_pb2 import ImageInfoResult, ImageInfoSpec

KIND = "image.info"
PROGRAM = (sys.executable, "-m", "bench.ledger.noop")


def _no_sources(spec: ImageInfoSpec) -> list[Source]:
    return []


def _do_nothing(job: Job[ImageInfoSpec]) -> Result:
    return Result(ImageInfoResult())


NOOP = Operation(
    kind=KIND,
    spec_type=ImageInfoSpec,
    result_type=ImageInfoResult,
    limits=Limits(
        memory_bytes=1 << 30, cpu_seconds=60, output_bytes=0, open_files=64, wall_seconds=60
    ),
    sources=_no_sources,
    run=_do_nothing,
)


def register() -> None:
    """Put it in the place of the product's operations."""
    operations.REGISTRY = MappingProxyType({KIND: NOOP})


if __name__ == "__main__":
    register()
    with socket.socket(fileno=int(sys.argv[-1])) as control:
        serve(control)
