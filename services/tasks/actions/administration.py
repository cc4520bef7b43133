"""What those who run the suite may do with any item."""

from collections.abc import Callable, Sequence

from services.chassis.database import Database
from services.chassis.errors import NotFound
from services.tasks.actions.batch import Batch
from services.tasks.actions.live import Live
from services.tasks.actions.splits import call_off_parts, with_open_parts
from services.tasks.actions.writer import Writer
from services.tasks.model import Item, State, can_requeue, cancel, requeue
from services.tasks.store import items, listing, parts

PAGE = 50


class Administration:
    """Looks at all items and lends a hand."""

    def __init__(self, db: Database, writer: Writer, live: Live) -> None:
        self._db = db
        self._writer = writer
        self._live = live

    async def newest(
        self,
        *,
        state: State | None,
        account_id: str,
        kind: str,
        before: int | None,
        page_size: int,
        with_parts: bool = False,
    ) -> tuple[list[Item], int | None]:
        """Return a page of items, newest first, and from which position the next one goes on."""
        async with self._db.reading() as tx:
            found, rest = await listing.newest(
                tx,
                state=state,
                account_id=account_id,
                kind=kind,
                before=before,
                limit=page_size or PAGE,
                with_parts=with_parts,
            )
        return [self._live.freshest(item) for item in found], rest

    async def get(self, item_id: str) -> Item:
        """Return an item. Raises NotFound."""
        async with self._db.reading() as tx:
            found = await items.by_ids(tx, [item_id])
        if not found:
            raise NotFound(f"There is no item {item_id!r}, or it has expired.")
        return self._live.freshest(found[0])

    async def parts_of(self, item_id: str) -> list[Item]:
        """Return the parts into which an item was split, in order."""
        async with self._db.reading() as tx:
            return [self._live.freshest(part) for part in await parts.of(tx, item_id)]

    async def cancel(self, item_ids: Sequence[str]) -> list[Item]:
        """Call off what has not ended; return all that exist, as they are now."""
        return await self._change(item_ids, lambda item: not item.ended, cancel)

    async def retry(self, item_ids: Sequence[str]) -> list[Item]:
        """Queue what ended badly again; return all that exist, as they are now."""
        return await self._change(item_ids, can_requeue, requeue)

    async def _change(
        self,
        item_ids: Sequence[str],
        applies: Callable[[Item], bool],
        change: Callable[..., Item],
    ) -> list[Item]:
        async def do(batch: Batch) -> list[Item]:
            for item_id in dict.fromkeys(item_ids):
                item = batch.find(item_id)
                if item is not None and applies(item):
                    batch.change(change(item, batch.now))
                    # Also where it begins anew: these are parts of what was.
                    call_off_parts(batch, {item_id})
            return [item for item_id in item_ids if (item := batch.find(item_id))]

        return await self._writer.change(await with_open_parts(self._db, item_ids), do)
