"""Keeps processes running: starts them, restarts those that fall, stops them in order."""

import asyncio
import ctypes
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

STOP_SECONDS = 40.0
"""How long a part may take to stop; a worker finishes what it runs."""
STEADY_SECONDS = 20.0
"""A part that ran this long is restarted without delay."""
LOG_BYTES = 32 << 20
"""A log that grew past this is moved aside at the next start of its part."""

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


@dataclass
class Part:
    """A process of the suite. Lower `rank` starts earlier and stops later."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    rank: int
    process: asyncio.subprocess.Process | None = field(default=None, init=False)


class Supervisor:
    """Runs parts until told to stop."""

    def __init__(self, parts: Sequence[Part], logs: Path) -> None:
        self._parts = parts
        self._logs = logs
        self._stopping = False
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._console = Console(stderr=True)

    def start(self) -> None:
        """Start every part and keep it running."""
        for part in sorted(self._parts, key=lambda part: part.rank):
            self._keepers[part.name] = asyncio.create_task(self._keep(part), name=part.name)

    async def stop(self) -> None:
        """Stop the parts, last started first. Nothing of theirs is left running."""
        self._stopping = True
        for rank in sorted({part.rank for part in self._parts}, reverse=True):
            await asyncio.gather(*(self._end(part) for part in self._parts if part.rank == rank))

    def kill(self) -> None:
        """End everything at once."""
        self._stopping = True
        for part in self._parts:
            _signal_group(part.process, signal.SIGKILL)

    async def _keep(self, part: Part) -> None:
        delay = 0.1
        while not self._stopping:
            started = time.monotonic()
            part.process = await self._spawn(part)
            code = await part.process.wait()
            _signal_group(part.process, signal.SIGKILL)  # what it left behind
            if self._stopping:
                return
            steady = time.monotonic() - started > STEADY_SECONDS
            delay = 0.1 if steady else min(delay * 2, 10.0)
            log = self._logs / f"{part.name}.log"
            self._console.print(f"{part.name} ended with {code}, starting it again (see {log})")
            await asyncio.sleep(delay)

    async def _spawn(self, part: Part) -> asyncio.subprocess.Process:
        log = self._logs / f"{part.name}.log"
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                *part.command,
                env=part.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )

    async def _end(self, part: Part) -> None:
        keeper = self._keepers.get(part.name)
        if keeper is None:
            return
        if part.process is None or part.process.returncode is not None:
            keeper.cancel()
        _terminate(part.process)
        try:
            await asyncio.wait_for(asyncio.shield(keeper), STOP_SECONDS)
        except TimeoutError:
            _signal_group(part.process, signal.SIGKILL)
            await keeper
        except asyncio.CancelledError:
            if not keeper.cancelled():
                raise


def _die_with_parent() -> None:
    # A supervisor that is killed must not leave a suite without one behind.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _terminate(process: asyncio.subprocess.Process | None) -> None:
    if process is not None and process.returncode is None:
        process.terminate()


def _signal_group(process: asyncio.subprocess.Process | None, number: signal.Signals) -> None:
    if process is not None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
