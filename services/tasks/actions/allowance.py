"""What an account may create, taken in the transaction that creates it."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.chassis.limits import Limits
from services.tasks.actions.batch import Batch
from services.tasks.model import (
    Submission,
    check_in_flight,
    check_stored,
    take_of_minute,
)
from services.tasks.store import limits as used_up


@dataclass(frozen=True)
class Allowance:
    """An account, its limits, and how many bytes it was last known to store."""

    account_id: str
    limits: Limits
    stored_bytes: int = 0

    async def take(self, batch: Batch, new: Sequence[Submission]) -> None:
        """Take what so many more tasks need; the account is locked until the batch is stored.

        Raises LimitReached, and then nothing was taken.
        """
        check_stored(self.limits, self.stored_bytes)
        if not (self.limits.tasks_in_flight or self.limits.tasks_per_minute):
            return
        used = await used_up.lock(batch.tx, self.account_id)
        check_in_flight(self.limits, used, sum(not work.refusal for work in new))
        back_at = take_of_minute(self.limits, used, len(new), batch.now)
        if back_at:
            await used_up.note(batch.tx, self.account_id, back_at)
