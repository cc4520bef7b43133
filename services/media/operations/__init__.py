"""The kinds of work this room can do, one file a kind.

A file here is found by its `OPERATION`. These files import the engine, and
with it FFmpeg and Pillow, only while running: whoever merely assigns work
stays light.
"""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules, walk_packages
from types import MappingProxyType

import services.media.engine
from services.media.engine.failure import BadMedia
from services.media.operations.contract import (
    CHECKPOINT_BYTES,
    MOST_PARTS,
    PARTIAL_BYTES,
    SPLIT_BYTES,
    Job,
    Limits,
    Operation,
    Output,
    Part,
    Result,
    Source,
    SourceFile,
    Split,
    part_file,
)

__all__ = [
    "CHECKPOINT_BYTES",
    "MOST_PARTS",
    "PARTIAL_BYTES",
    "REGISTRY",
    "SPLIT_BYTES",
    "BadMedia",
    "Job",
    "Limits",
    "Operation",
    "Output",
    "Part",
    "Result",
    "Source",
    "SourceFile",
    "Split",
    "operation",
    "part_file",
    "preload",
]


def _discover() -> Mapping[str, Operation]:
    files = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    operations = [file.OPERATION for file in files if hasattr(file, "OPERATION")]
    return MappingProxyType({each.kind: each for each in operations})


REGISTRY: Mapping[str, Operation] = _discover()


def operation(kind: str) -> Operation:
    """The operation of a kind. Raises KeyError for a kind that nobody wrote."""
    return REGISTRY[kind]


def preload() -> None:
    """Import all that a run may need, so that a forked child opens no module files."""
    engine = services.media.engine
    for found in walk_packages(engine.__path__, f"{engine.__name__}."):
        import_module(found.name)
