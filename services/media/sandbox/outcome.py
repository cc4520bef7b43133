"""How an item ended, read from what its child said and how it ended itself."""

import base64
import math
import os
import signal
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from services.media.operations import MOST_PARTS, SPLIT_BYTES, Limits, Output


@dataclass(frozen=True)
class Success:
    """A job that went well: the result message, serialized, and files in its scratch folder."""

    result: bytes
    outputs: tuple[Output, ...]


@dataclass(frozen=True)
class Failure:
    """A job that did not: a sentence for people, and whether trying again can help."""

    message: str
    retryable: bool = False


@dataclass(frozen=True)
class Part:
    """A piece of a job's work; the spec is serialized."""

    kind: str
    spec: bytes
    weight: float


@dataclass(frozen=True)
class Split:
    """A job that hands the rest on. Nothing is known of the parts but that they are not too many
    and not too large: whether the job may have them is for others to say."""

    parts: tuple[Part, ...]


Outcome = Success | Failure | Split
UNUSABLE = Failure("ended without a usable result")


def crash(status: int, limits: Limits) -> Failure:
    """Say why a child ended without an answer, from its wait status."""
    if not os.WIFSIGNALED(status):
        return UNUSABLE
    number = os.WTERMSIG(status)
    if number == signal.SIGXCPU:
        return out_of_processor_time(limits)
    if number == signal.SIGKILL:
        # Not by us: most likely by a machine that is short of memory.
        return Failure("was killed from outside, as if the machine ran out of memory", True)
    return Failure(f"the decoder crashed ({signal.Signals(number).name})")


def out_of_processor_time(limits: Limits) -> Failure:
    """The failure of an item that computed for too long."""
    return Failure(f"used more than {limits.cpu_seconds} seconds of processor time")


def too_large(limits: Limits) -> Failure:
    """The failure of an item that wrote too much."""
    return Failure(f"the output grew larger than {limits.output_bytes} bytes")


def read(answer: Mapping[str, Any], scratch: Path) -> Outcome:
    """Read an answer with suspicion: the child may not be itself any more."""
    try:
        if "failure" in answer:
            return Failure(str(answer["failure"]), answer["retryable"] is True)
        if "split" in answer:
            return _split(answer["split"])
        outputs = tuple(_output(scratch, *each) for each in answer["outputs"])
        return Success(base64.b64decode(answer["result"]), outputs)
    except (KeyError, TypeError, ValueError, OSError):
        return UNUSABLE


def moved(success: Success, before: Path, after: Path) -> Success:
    """The same outcome once its scratch folder was moved from `before` to `after`."""
    outputs = (
        replace(output, path=after / output.path.relative_to(before)) for output in success.outputs
    )
    return replace(success, outputs=tuple(outputs))


def _split(said: list[Any]) -> Outcome:
    """Raises TypeError or ValueError."""
    parts = tuple(_part(*each) for each in said)
    if not 0 < len(parts) <= MOST_PARTS or sum(len(part.spec) for part in parts) > SPLIT_BYTES:
        return Failure("was to be done in too many parts, or in too large ones, or in none")
    return Split(parts)


def _part(kind: str, spec: str, weight: float) -> Part:
    """Raises TypeError or ValueError when it is not one."""
    if not (isinstance(kind, str) and isinstance(weight, float)):
        raise TypeError
    if not (math.isfinite(weight) and weight > 0):
        raise ValueError(weight)
    return Part(kind, base64.b64decode(spec, validate=True), weight)


def _output(scratch: Path, name: str, path: str, content_type: str, file_name: str) -> Output:
    """A file that a child made. Raises ValueError, TypeError or OSError when it is not one."""
    for text in (name, content_type, file_name):
        text.encode()
    real = Path(path).resolve(strict=True)
    found = real.lstat()
    # A link, soft or hard, would publish somebody else's file.
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        raise ValueError(path)
    real.relative_to(scratch)
    return Output(name, real, content_type, file_name)
