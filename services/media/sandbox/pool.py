"""Which child serves which item: warm spare ones, and ones that know their account.

A child serves one account and one kind for its whole life, so what an item
leaves in it no other account meets. Spares wait with everything imported and
their rights given up; only their room and limits come with their first item.
"""

import asyncio
import itertools
import os
import shutil
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.media.sandbox.conversation import Child, Lost
from services.media.sandbox.link import ForkServer
from services.media.sandbox.watch import open_files, pulse
from services.media.sandbox.wire import Room

_ITEMS_PER_CHILD = 200
_SECONDS_IDLE = 30.0
_MOST_RESIDENT_BYTES = 256 << 20
_MOST_OPEN_FILES = 16
# A new child takes some ten times as long as an item for which one waits, so that
# accounts that take turns keep theirs. One that waits has a megabyte or two of its own.
_MOST_WAITING = 128
_MOST_WAITING_BYTES = 1 << 30


@dataclass(eq=False)
class Resident:
    """A child with its home folder; `account` and `kind` are empty for a spare one."""

    child: Child
    server: ForkServer
    home: Path
    room: Room
    pid: int = 0
    account: str = ""
    kind: str = ""
    served: int = 0
    cpu_seconds: float = 0.0
    # When it began, and so shared with the others; and now.
    first_bytes: int = 0
    resident_bytes: int = 0
    idle_since: float = field(default_factory=time.monotonic)

    @property
    def own_bytes(self) -> int:
        """The memory that would be free without it."""
        return max(self.resident_bytes - self.first_bytes, 0)

    async def meet(self) -> None:
        """Wait for the child to be there. Raises Lost."""
        if not self.pid:
            self.pid = await self.child.process()
            if found := pulse(self.pid):
                self.first_bytes = found.resident_bytes

    def is_good_for_more(self) -> bool:
        """Whether the child, between two items, is as it should be."""
        found = pulse(self.pid)
        if found is None:
            return False
        self.cpu_seconds, self.resident_bytes = found.cpu_seconds, found.resident_bytes
        return (
            # A thread that is left could go on in the next item's time.
            found.threads == 1
            and found.resident_bytes <= _MOST_RESIDENT_BYTES
            and open_files(self.pid) <= _MOST_OPEN_FILES
            and self.served < _ITEMS_PER_CHILD
            # Beside the item's folder nothing is swept.
            and os.listdir(self.room.scratch) == [self.room.item.name]  # noqa: PTH208 - names are all it takes
        )


class Pool:
    """The children of one warm fork server, which is replaced when it dies.

    `folder` is for their homes; `slots` is how many are expected to be busy at once.
    """

    def __init__(self, folder: Path, slots: int, program: Sequence[str]) -> None:
        # As the kernel sees it: links on the way do not count for Landlock.
        self._folder = folder.resolve()
        self._slots = slots
        self._program = program
        self._server: ForkServer | None = None
        self._starting = asyncio.Lock()
        self._homes = itertools.count()
        self._spares: list[Resident] = []
        self._kept: list[Resident] = []
        self._filling = self._stopped = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Have a fork server and spare children ready. Raises Lost when it does not come up."""
        await self._ready_server()
        await self._fill()

    async def stop(self) -> None:
        """End the fork server, and with it all children."""
        self._stopped = True
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for resident in (*self._spares, *self._kept):
            resident.child.hang_up()
        if self._server:
            await self._server.stop()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def take(self, account: str, kind: str, *, new: bool) -> Resident:
        """A child for an item, if `new` one that served none before. Raises Lost.

        It is the caller's until `keep` or `retire`.
        """
        resident = None if new else self._known(account, kind)
        if resident is None:
            resident = self._spare() or await self._fork()
            resident.account, resident.kind = account, kind
            self._do(self._fill())
        resident.served += 1
        return resident

    def keep(self, resident: Resident) -> None:
        """Have a child wait for more of the same account and kind."""
        resident.idle_since = time.monotonic()
        self._kept.append(resident)
        self._make_room()

    async def retire(self, resident: Resident) -> None:
        """End a child that was taken; nothing of it is left after this."""
        await self._end(resident)

    def retire_idle(self) -> None:
        """End children that waited for long."""
        late = time.monotonic() - _SECONDS_IDLE
        while self._kept and self._kept[0].idle_since < late:
            self._do(self._end(self._kept.pop(0)))

    def _known(self, account: str, kind: str) -> Resident | None:
        for resident in reversed(self._kept):
            if (resident.account, resident.kind) == (account, kind):
                self._kept.remove(resident)
                if not resident.child.ended.done():
                    return resident
                self._do(self._end(resident))
        return None

    def _make_room(self) -> None:
        """End children that wait, the longest first, where they are too many or too large."""
        size = sum(resident.own_bytes for resident in self._kept)
        while len(self._kept) > _MOST_WAITING or size > _MOST_WAITING_BYTES:
            longest = self._kept.pop(0)
            size -= longest.own_bytes
            self._do(self._end(longest))

    def _spare(self) -> Resident | None:
        while self._spares:
            resident = self._spares.pop()
            if not resident.child.ended.done():
                return resident
            self._do(self._end(resident))
        return None

    async def _fill(self) -> None:
        """Fork spare children until there are enough."""
        if self._filling:
            return
        self._filling = True
        try:
            while len(self._spares) < self._slots:
                self._spares.append(await self._fork())
        except Lost:
            pass  # whoever takes a child next has it started again
        finally:
            self._filling = False

    async def _fork(self) -> Resident:
        server = await self._ready_server()
        home = self._folder / str(next(self._homes))
        room = Room(home / "sources", home / "scratch", home / "scratch" / "item")
        for folder in (room.sources, room.item):
            folder.mkdir(parents=True)
        return Resident(await server.fork(), server, home, room)

    async def _end(self, resident: Resident) -> None:
        await resident.server.kill(resident.child)
        await asyncio.to_thread(shutil.rmtree, resident.home, ignore_errors=True)

    async def _ready_server(self) -> ForkServer:
        async with self._starting:
            if self._stopped:
                raise Lost
            if self._server is None or self._server.lost:
                self._bury()
                self._server = await ForkServer.start(self._program)
            return self._server

    def _bury(self) -> None:
        """Remove the homes of the children that ended with their fork server."""
        for resident in (*self._spares, *self._kept):
            self._do(self._end(resident))
        self._spares.clear()
        self._kept.clear()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that nobody waits for."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
