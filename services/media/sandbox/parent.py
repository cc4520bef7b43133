"""The worker's side of the sandbox: gives items to children, hears them out, ends bad ones."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

from services.media.sandbox import outcome
from services.media.sandbox.conversation import Ears, Lost, Nonsense
from services.media.sandbox.item import Item
from services.media.sandbox.link import PROGRAM
from services.media.sandbox.outcome import Failure, Outcome
from services.media.sandbox.pool import Pool, Resident
from services.media.sandbox.watch import SECONDS_BETWEEN_LOOKS, Watch
from services.media.sandbox.wire import Order

P = ParamSpec("P")
T = TypeVar("T")

_LOST = Failure("the sandbox ended while this ran", retryable=True)


class Sandbox:
    """Runs operations in children.

    `folder` is for their files, on the file system where outputs are wanted;
    `slots` is how many items are expected to run at once.
    """

    def __init__(self, folder: Path, slots: int, program: Sequence[str] = PROGRAM) -> None:
        self._pool = Pool(folder / "homes", slots, program)
        self._links = folder / "links"
        self._numbers = itertools.count()
        self._running: dict[Item, Resident] = {}
        self._attending: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Have children ready. Raises Lost when the fork server does not come up."""
        await self._pool.start()
        self._attending = asyncio.create_task(self._attend())

    async def stop(self) -> None:
        """End all children."""
        if self._attending:
            self._attending.cancel()
            await asyncio.gather(self._attending, return_exceptions=True)
        await self._pool.stop()

    async def run(self, order: Order, scratch: Path, ears: Ears) -> Outcome:
        """Do one item in a child; one that did not end well is dead when this returns or raises.

        Outputs of a success lie in `scratch`, a folder that must not be there before.
        """
        item = Item(order, self._links / str(next(self._numbers)))
        if not order.sources:
            return await self._run(item, scratch, ears)
        try:
            if item.has_few_sources:
                item.link_sources()
            else:
                await _whole(item.link_sources)
            return await self._run(item, scratch, ears)
        finally:
            if item.has_links:
                await asyncio.to_thread(item.drop_links)

    async def _run(self, item: Item, scratch: Path, ears: Ears) -> Outcome:
        order = item.order
        try:
            resident = await self._pool.take(order.account, order.kind, new=item.reaches_out)
        except Lost:
            return _LOST
        is_good = False
        try:
            ended = await self._serve(item, resident, scratch, ears)
            is_good = (
                not isinstance(ended, Failure)
                and not item.reaches_out
                and resident.is_good_for_more()
            )
            return ended
        finally:
            if is_good:
                self._pool.keep(resident)
            else:
                await self._pool.retire(resident)

    async def _serve(self, item: Item, resident: Resident, scratch: Path, ears: Ears) -> Outcome:
        """The life of an item in a child that is its own for the time."""
        limits = item.order.limits
        try:
            await resident.meet()
            async with asyncio.timeout(limits.wall_seconds):
                job = item.hand_over(resident.room)
                item.watch_from(resident.pid, resident.cpu_seconds)
                self._running[item] = resident
                answer = await resident.child.converse(job, ears)
                status = 0 if answer is not None else await resident.child.status()
        except TimeoutError:
            return Failure(f"took longer than {limits.wall_seconds:g} seconds")
        except Nonsense:
            return outcome.UNUSABLE
        except Lost:
            return _LOST
        finally:
            self._running.pop(item, None)
        if answer is not None:
            if item.is_light(answer):
                # A change of threads takes longer.
                return item.collect(answer, scratch)
            return await _whole(item.collect, answer, scratch)
        await asyncio.to_thread(item.log_last_words)
        return item.verdict or outcome.crash(status, limits)

    async def _attend(self) -> None:
        """Look at children from time to time, for as long as there is a sandbox."""
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            watches = {item.watch: item for item in self._running if item.watch}
            if watches:
                for watch, verdict in await asyncio.to_thread(_look, list(watches)):
                    self._end(watches[watch], verdict)
            self._pool.retire_idle()

    def _end(self, item: Item, verdict: Failure) -> None:
        """Kill the child of an item that still runs."""
        if resident := self._running.get(item):
            item.verdict = verdict
            resident.server.strike(resident.child)


async def _whole(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do something with files in a thread, to its end: cancelled half-way it would leave some."""
    doing = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait([doing])
        raise


def _look(watches: Sequence[Watch]) -> list[tuple[Watch, Failure]]:
    found = [(watch, watch.look()) for watch in watches]
    return [(watch, verdict) for watch, verdict in found if verdict]
