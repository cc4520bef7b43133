"""Looking through the outputs of an account."""

from collections.abc import AsyncIterator, Sequence

from services.chassis.database import now
from services.media.actions.backends import Backends
from services.media.model.outputs import KeptOutput, Selection, Spot, Usage
from services.media.store import accounting, holdings

_PAGE = 1000


class Listing:
    """Lists in pages, each a short transaction: what comes or goes meanwhile may be in it or not.

    Directories are there by the files in them, so one without any is no error but an empty list,
    and what belongs to another account looks the same.
    """

    def __init__(self, backends: Backends) -> None:
        self._database = backends.database

    async def files(
        self, account_id: str, path: str, *, recursive: bool
    ) -> AsyncIterator[Sequence[KeptOutput]]:
        """Yield the files at a path in the order of their paths; with those below if recursive."""
        spot = Spot.parse(path)
        if spot is None or (spot.item_id is None and not recursive):
            return
        at, cursor, page = now(), holdings.START, list[KeptOutput]()
        while len(page) == _PAGE or cursor == holdings.START:
            async with self._database.reading() as tx:
                page = await holdings.selected(tx, account_id, Selection(spot), at, cursor, _PAGE)
            if not page:
                return
            yield page
            cursor = page[-1].address.item_id, page[-1].address.file_name

    async def directories(self, account_id: str, path: str) -> AsyncIterator[Sequence[str]]:
        """Yield the names of the directories at a path, in order: only the root has any."""
        if Spot.parse(path) != Spot():
            return
        at, page = now(), [""]
        while page:
            async with self._database.reading() as tx:
                page = await holdings.directories(tx, account_id, at, page[-1], _PAGE)
            if page:
                yield page

    async def usage(self, account_id: str) -> Usage:
        """What an account stores; nothing for one that is not known."""
        async with self._database.reading() as tx:
            return await accounting.usage(tx, account_id)
