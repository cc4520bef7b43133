"""How far attempts got, for an attempt after a crash."""

from services.chassis.database import Database
from services.chassis.errors import Conflict
from services.tasks.actions.live import Lost, Session
from services.tasks.model import Item, Lease
from services.tasks.sealing import Sealer
from services.tasks.store import checkpoints


class Checkpoints:
    """Takes the states that workers send and stores the newest of each attempt now and then.

    They are stored encrypted: where a half sent file goes on is a secret, for example.
    """

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer
        self._unsaved: dict[Lease, bytes] = {}

    def note(self, session: Session, lease: Lease, state: bytes) -> None:
        """Take an attempt's state; `save` stores it."""
        if lease in session.held:
            self._unsaved[lease] = state
        else:
            session.tell(Lost(lease))

    async def save(self) -> None:
        """Store what was taken since the last call, of attempts that still run."""
        unsaved, self._unsaved = self._unsaved, {}
        if not unsaved:
            return
        try:
            async with self._db.transaction() as tx:
                await checkpoints.save(tx, unsaved, self._seal)
        except BaseException:
            # What came in meanwhile is newer.
            self._unsaved = unsaved | self._unsaved
            raise

    async def save_at_once(self, lease: Lease, state: bytes) -> None:
        """Store an attempt's state before it returns. Raises Conflict when the lease is lost."""
        async with self._db.transaction() as tx:
            if not await checkpoints.save(tx, {lease: state}, self._seal):
                raise Conflict("The attempt has lost its lease.")

    async def of(self, item: Item) -> bytes:
        """Return the state from which an attempt at the item may go on; empty for its start.

        Raises Unreadable for one that was stored under another encryption key.
        """
        if not item.checkpoint_bytes:
            return b""
        async with self._db.reading() as tx:
            state = await checkpoints.find(tx, item.item_id)
        return self._sealer.open(state, f"{item.item_id}/checkpoint")

    def _seal(self, lease: Lease, state: bytes) -> bytes:
        return self._sealer.seal(state, f"{lease.item_id}/checkpoint")
