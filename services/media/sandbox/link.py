"""The worker's line to its fork server and, through it, to each child."""

import asyncio
import itertools
import json
import math
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

import structlog

from services.media.sandbox import wire

PROGRAM = (sys.executable, "-m", "services.media.sandbox")
_SECONDS_TO_START = 60
_SECONDS_TO_DIE = 10
_MESSAGE_BYTES = 4096
# All that the fork server inherits: children must not find this process's secrets.
_ENVIRONMENT = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONHOME", "PYTHONPATH", "TZ")
# Threads that only wait would each take address space from the job's limit.
_FEW_THREADS = {"MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1"}

log = structlog.stdlib.get_logger(__name__)


class Lost(Exception):
    """The fork server is gone, and its children with it."""


class Nonsense(Exception):
    """The child said what no honest child says."""


class Child:
    """A child that runs: what it says, and how it ended."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        ended: asyncio.Future[int | None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._ended = ended

    async def converse(
        self, job: bytes, on_progress: Callable[[float], None]
    ) -> dict[str, Any] | None:
        """Give the job, pass on progress, return the answer; None when the child ended without.

        Raises Nonsense.
        """
        try:
            self._writer.write(job)
            await self._writer.drain()
            while "percent" in (message := await self._message()):
                percent = message["percent"]
                if not isinstance(percent, float) or not math.isfinite(percent):
                    raise Nonsense
                on_progress(percent)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return message

    async def status(self) -> int:
        """The wait status of the child, once it ended. Raises Lost."""
        status = await asyncio.shield(self._ended)
        if status is None:
            raise Lost
        return status

    async def _message(self) -> dict[str, Any]:
        (length,) = wire.HEADER.unpack(await self._reader.readexactly(wire.HEADER.size))
        if length > wire.MAX_FRAME_BYTES:
            raise Nonsense
        try:
            message = json.loads(await self._reader.readexactly(length))
        except (ValueError, RecursionError) as error:
            raise Nonsense from error
        if not isinstance(message, dict):
            raise Nonsense
        return message


class ForkServer:
    """A running fork server."""

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket) -> None:
        self.lost = False
        self._process = process
        self._control = control
        self._jobs = itertools.count()
        self._ended: dict[int, asyncio.Future[int | None]] = {}
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, program: Sequence[str]) -> Self:
        """Start a fork server and wait until it is warm. Raises Lost when it does not come up."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            process = await _launch(program, theirs)
        try:
            async with asyncio.timeout(_SECONDS_TO_START):
                hello = await _receive(ours)
            if hello is None:
                raise Lost("the sandbox did not start")
        except BaseException:
            ours.close()
            await _end(process)
            raise
        if hello["missing"]:
            log.warning("the sandbox is weaker on this machine", missing=hello["missing"])
        return cls(process, ours)

    async def stop(self) -> None:
        """End the fork server, which kills its children."""
        with suppress(OSError):  # it may be gone already
            self._control.shutdown(socket.SHUT_RDWR)
        await self._listening

    @asynccontextmanager
    async def child(self) -> AsyncIterator[Child]:
        """A fresh child, which is dead when the context ends. Raises Lost."""
        job = next(self._jobs)
        ended = asyncio.get_running_loop().create_future()
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = await asyncio.open_unix_connection(sock=ours)
            try:
                if self.lost:
                    raise Lost
                self._ended[job] = ended
                self._order(job, theirs.fileno())
            except BaseException:
                writer.close()
                raise
        try:
            yield Child(reader, writer, ended)
        finally:
            await self._put_to_death(job, ended, reader)
            writer.close()

    def _order(self, job: int, *line: int) -> None:
        """Have a child forked for a line, or without a line have a job's child killed."""
        try:
            socket.send_fds(self._control, [json.dumps({"job": job}).encode()], line)
        except OSError as error:
            raise Lost from error

    async def _put_to_death(
        self, job: int, ended: asyncio.Future[int | None], reader: asyncio.StreamReader
    ) -> None:
        try:
            async with asyncio.timeout(_SECONDS_TO_DIE):
                if not ended.done():
                    with suppress(Lost):
                        self._order(job)
                await asyncio.shield(ended)
                # Closed lines tell of the end when the fork server cannot.
                while await reader.read(wire.MAX_FRAME_BYTES):
                    pass
        except TimeoutError:
            log.error("the fork server does not kill its child", job=job)
            self._process.kill()

    async def _listen(self) -> None:
        """Learn of children's ends until the fork server itself ends."""
        try:
            while (message := await _receive(self._control)) is not None:
                self._ended.pop(message["job"]).set_result(message["status"])
        finally:
            self.lost = True
            for ended in self._ended.values():
                ended.set_result(None)
            self._ended.clear()
            self._control.close()
            await _end(self._process)


async def _launch(program: Sequence[str], control: socket.socket) -> asyncio.subprocess.Process:
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    return await asyncio.create_subprocess_exec(
        *program,
        str(control.fileno()),
        pass_fds=[control.fileno()],
        env=kept | _FEW_THREADS,
        stdin=asyncio.subprocess.DEVNULL,
        # A Ctrl-C is for the worker, which lets its children finish.
        start_new_session=True,
    )


async def _receive(control: socket.socket) -> Any:
    """A message of the fork server; None when there will be no more."""
    try:
        message = await asyncio.get_running_loop().sock_recv(control, _MESSAGE_BYTES)
    except ConnectionError:
        return None
    return json.loads(message) if message else None


async def _end(process: asyncio.subprocess.Process) -> None:
    """See a process end, its line being closed; by force if it does not."""
    try:
        async with asyncio.timeout(_SECONDS_TO_DIE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
