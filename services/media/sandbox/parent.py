"""The worker's side of the sandbox: starts children, hears them out, makes sure they end."""

import asyncio
import base64
import os
import signal
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from services.media.operations import Limits, Output, SourceFile
from services.media.sandbox import wire
from services.media.sandbox.link import PROGRAM, ForkServer, Lost, Nonsense

_LOG_TAIL_BYTES = 2000
log = structlog.stdlib.get_logger(__name__)


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


Outcome = Success | Failure
_UNUSABLE = Failure("ended without a usable result")


class Sandbox:
    """Runs operations in children of one warm fork server, which is replaced when it dies."""

    def __init__(self, program: Sequence[str] = PROGRAM) -> None:
        self._program = program
        self._server: ForkServer | None = None
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Have a fork server ready. Raises Lost when it does not come up."""
        await self._ready_server()

    async def stop(self) -> None:
        """End the fork server, and with it all children."""
        if self._server:
            await self._server.stop()

    async def run(
        self,
        kind: str,
        spec: bytes,
        sources: Mapping[str, SourceFile],
        scratch: Path,
        limits: Limits,
        on_progress: Callable[[float], None],
    ) -> Outcome:
        """Do one job in a child that is dead when this returns, raises or is cancelled.

        `on_progress` takes percentages as the operation gives them.
        """
        job = wire.frame(wire.job(kind, spec, sources, scratch, limits))
        try:
            server = await self._ready_server()
            async with asyncio.timeout(limits.wall_seconds), server.child() as child:
                answer = await child.converse(job, on_progress)
                if answer is None:
                    status = await child.status()
                    await _log_last_words(kind, scratch)
                    return _crash(status, limits)
        except TimeoutError:
            return Failure(f"took longer than {limits.wall_seconds:g} seconds")
        except Nonsense:
            return _UNUSABLE
        except Lost:
            return Failure("the sandbox ended while this ran", retryable=True)
        outcome = await asyncio.to_thread(_outcome, answer, scratch)
        if isinstance(outcome, Failure):
            await _log_last_words(kind, scratch)
        return outcome

    async def _ready_server(self) -> ForkServer:
        async with self._starting:
            if self._server is None or self._server.lost:
                self._server = await ForkServer.start(self._program)
            return self._server


def _crash(status: int, limits: Limits) -> Failure:
    """Say why a child ended without an answer, from its wait status."""
    if not os.WIFSIGNALED(status):
        return _UNUSABLE
    number = os.WTERMSIG(status)
    if number == signal.SIGXCPU:
        return Failure(f"used more than {limits.cpu_seconds} seconds of processor time")
    if number == signal.SIGKILL:
        # Not by us: most likely by a machine that is short of memory.
        return Failure("was killed from outside, as if the machine ran out of memory", True)
    return Failure(f"the decoder crashed ({signal.Signals(number).name})")


def _outcome(answer: Mapping[str, Any], scratch: Path) -> Outcome:
    """Read an answer with suspicion: the child may not be itself any more."""
    try:
        if "failure" in answer:
            return Failure(str(answer["failure"]), answer["retryable"] is True)
        outputs = tuple(_output(scratch, *each) for each in answer["outputs"])
        return Success(base64.b64decode(answer["result"]), outputs)
    except (KeyError, TypeError, ValueError, OSError):
        return _UNUSABLE


def _output(scratch: Path, name: str, path: str, content_type: str, file_name: str) -> Output:
    """A file that a child made. Raises ValueError, TypeError or OSError when it is not one."""
    for text in (name, content_type, file_name):
        text.encode()
    real = Path(path).resolve(strict=True)
    found = real.lstat()
    # A link, soft or hard, would publish somebody else's file.
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        raise ValueError(path)
    real.relative_to(scratch.resolve())
    return Output(name, real, content_type, file_name)


async def _log_last_words(kind: str, scratch: Path) -> None:
    """Log the end of a child's standard error: crash reports and FFmpeg's complaints."""
    words = await asyncio.to_thread(_tail, scratch / wire.ERROR_LOG)
    if words:
        log.warning("a child failed", kind=kind, stderr=words)


def _tail(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - _LOG_TAIL_BYTES, 0))
        return file.read().decode(errors="replace")
