"""What an account may use, and how many requests a minute one process takes from it."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from services.chassis.errors import Exhausted

MINUTE = 60.0
REMEMBERED_ACCOUNTS = 10_000


@dataclass(frozen=True)
class Limits:
    """The limits of an account; 0 is no limit."""

    tasks_in_flight: int = 0
    tasks_per_minute: int = 0
    stored_bytes: int = 0
    requests_per_minute: int = 0


UNLIMITED = Limits()


@dataclass(frozen=True)
class Rate:
    """How much of a limit on requests is left; `reset` is in seconds, until all of it is."""

    limit: int
    remaining: int
    reset: int

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Return the metadata that the gateway turns into `RateLimit-*` headers."""
        values = {"limit": self.limit, "remaining": self.remaining, "reset": self.reset}
        return tuple(
            (f"http-header-ratelimit-{name}", str(value)) for name, value in values.items()
        )


class RequestRates:
    """Counts requests by account: the generic cell rate algorithm (ITU-T I.371).

    An account that was idle for a minute may spend the minute's requests at once; what it spent
    comes back evenly. Every process counts for itself.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # By account, the moment when all of its requests will be there again.
        self._full_at: dict[str, float] = {}

    def take(self, account_id: str, per_minute: int) -> Rate:
        """Take one request. Raises Exhausted, with the seconds to wait, when none is left."""
        now = self._clock()
        interval = MINUTE / per_minute
        full_at = max(self._full_at.get(account_id, now), now) + interval
        over = full_at - now - MINUTE
        # Sums of intervals are off by some ulps; no request may be lost to that.
        if over > interval * 1e-6:
            spent = Rate(per_minute, 0, math.ceil(full_at - interval - now))
            raise Exhausted(
                f"The account may make {per_minute} requests a minute.",
                metadata=dict(spent.metadata()),
                retry_after=math.ceil(over),
            )
        self._remember(account_id, full_at, now)
        remaining = math.floor((now + MINUTE - full_at) / interval + 1e-6)
        return Rate(per_minute, max(remaining, 0), math.ceil(full_at - now))

    def _remember(self, account_id: str, full_at: float, now: float) -> None:
        if len(self._full_at) >= REMEMBERED_ACCOUNTS and account_id not in self._full_at:
            self._full_at = {name: full for name, full in self._full_at.items() if full > now}
        self._full_at[account_id] = full_at
