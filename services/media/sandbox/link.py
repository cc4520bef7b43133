"""The worker's line to its fork server."""

import asyncio
import itertools
import json
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Self

import structlog

from services.media.sandbox.conversation import Child, Lost

PROGRAM = (sys.executable, "-m", "services.media.sandbox")
_SECONDS_TO_START = 60
_SECONDS_TO_DIE = 10
_MESSAGE_BYTES = 4096
# All that the fork server inherits: children must not find this process's secrets.
_ENVIRONMENT = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONHOME", "PYTHONPATH", "TZ")
# Threads that only wait would each take address space from the job's limit.
_FEW_THREADS = {"MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1"}

log = structlog.stdlib.get_logger(__name__)


class ForkServer:
    """A running fork server."""

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket) -> None:
        self.lost = False
        self._process = process
        self._control = control
        self._numbers = itertools.count()
        self._children: dict[int, Child] = {}
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

    async def fork(self) -> Child:
        """A fresh child, which waits for its first job. Raises Lost."""
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = await asyncio.open_unix_connection(sock=ours)
            child = Child(next(self._numbers), reader, writer)
            try:
                if self.lost:
                    raise Lost
                self._order(child, theirs.fileno())
            except BaseException:
                child.hang_up()
                raise
            self._children[child.number] = child
        return child

    def strike(self, child: Child) -> None:
        """Have a child killed, if it is not dead, without waiting for its end."""
        if not child.ended.done():
            with suppress(Lost):
                self._order(child)

    async def kill(self, child: Child) -> None:
        """Kill a child and see that it is gone with all that it started."""
        try:
            async with asyncio.timeout(_SECONDS_TO_DIE):
                self.strike(child)
                await asyncio.shield(child.ended)
                # Closed lines tell of the end when the fork server cannot.
                await child.silence()
        except TimeoutError:
            log.error("the fork server does not kill its child", child=child.number)
            self._process.kill()
        finally:
            child.hang_up()

    def _order(self, child: Child, *line: int) -> None:
        """Have a child forked for a line, or without a line have it killed."""
        try:
            socket.send_fds(self._control, [json.dumps({"child": child.number}).encode()], line)
        except OSError as error:
            raise Lost from error

    async def _listen(self) -> None:
        """Learn of children's beginnings and ends until the fork server itself ends."""
        try:
            while (message := await _receive(self._control)) is not None:
                if "pid" in message:
                    self._children[message["child"]].pid.set_result(message["pid"])
                else:
                    self._children.pop(message["child"]).ended.set_result(message["status"])
        finally:
            self.lost = True
            for child in self._children.values():
                if not child.pid.done():
                    child.pid.set_result(None)
                child.ended.set_result(None)
            self._children.clear()
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
