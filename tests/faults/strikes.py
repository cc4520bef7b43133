"""What befalls a suite: processes killed or stopped at moments that a seed decides."""

import os
import random
import signal
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

import psutil

from tests.kit.cluster import Cluster
from tests.kit.listener import Listener
from tests.kit.suite import Suite, Whole, kill
from tests.kit.waiting import wait_for

SANDBOX, WORKER = "services.media.sandbox", "services.media.worker"
PARTS = {
    "worker": WORKER,
    "ledger": "services.tasks",
    "gateway": "gateway",
    "media": "services.media",
    "videos": "services.videos",
    "accounts": "services.accounts",
}
PATIENCE_SECONDS = 240.0


class Striker:
    """Strikes a suite while it works. `struck` tells what was struck when.

    `forgotten` is the moment when the broker last lost its memory, `children` the number of
    decoding children that were killed.
    """

    def __init__(self, suite: Whole, listener: Listener, seed: str) -> None:
        self.struck: list[str] = []
        self.children = 0
        self.forgotten: datetime | None = None
        self._suite = suite
        self._listener = listener
        self._rng = random.Random(seed)  # noqa: S311 - to be repeated by its seed
        self._frozen = 0

    def strike_all(self, victims: Sequence[str], items: int) -> None:
        """Strike every victim, each when some number of items below `items` has ended."""
        moments = sorted(self._rng.sample(range(items), len(victims)))
        order = self._rng.sample(victims, len(victims))
        for moment, victim in zip(moments, order, strict=True):
            self.until_ended(moment)
            self.strike(victim)
            self.struck.append(f"{victim} at {moment}")

    def until_ended(self, items: int) -> None:
        """Wait until so many items have ended, whatever else falls over meanwhile."""

        def look() -> bool:
            self._suite.revive()
            return self._suite.ended() >= items

        wait_for(look, seconds=PATIENCE_SECONDS, what=f"{items} items to end")

    def strike(self, victim: str) -> None:
        """Kill -9 one process of a kind; what does not come back by itself is started again."""
        match victim:
            case "child":
                self._kill_child()
            case "broker":
                assert isinstance(self._suite, Suite)
                kill(self._suite.broker())
                self.forgotten = datetime.now(UTC)
                self._listener.start_over()
            case "postgres" | "kafka":
                assert isinstance(self._suite, Cluster)
                self._suite.cut_power(getattr(self._suite, victim))
            case _:
                kill(self._any_of(PARTS[victim]))
        self._suite.revive()

    def freeze(self, items: int) -> None:
        """Stop a worker for longer than its leases last, once so many items have ended."""
        self.until_ended(items)
        worker = self._any_of(WORKER)
        name = worker.environ()["VITASCOPE_WORKER_ID"]
        self._frozen = worker.pid
        worker.send_signal(signal.SIGSTOP)
        try:
            held = wait_for(lambda: self._held_by(name), seconds=60, what=f"{name} to have items")
            wait_for(
                lambda: not held & self._held_by(name), seconds=90, what=f"{name} to lose its items"
            )
        finally:
            worker.send_signal(signal.SIGCONT)
            self._frozen = 0
        self.struck.append(f"{name} stood still at {items} and lost {len(held)}")

    def _held_by(self, name: str) -> set[tuple[str, int]]:
        query = "SELECT item_id, attempt FROM items WHERE state = 'executing' AND worker_id = "
        return set(self._suite.ask("tasks", f"{query}'{name}'"))

    def _any_of(self, module: str) -> psutil.Process:
        def look() -> list[psutil.Process]:
            return [each for each in self._suite.parts(module) if each.pid != self._frozen]

        return self._rng.choice(wait_for(look, seconds=60, what=f"{module} to run"))

    def _kill_child(self) -> None:
        def struck() -> bool:
            servers = {each.pid for each in self._suite.parts(SANDBOX)}
            children = [each for each in self._suite.parts(SANDBOX) if each.ppid() in servers]
            with suppress(psutil.NoSuchProcess, IndexError):
                os.kill(self._rng.choice(children).pid, signal.SIGKILL)
                return True
            return False

        wait_for(struck, seconds=60, what="a child to kill")
        self.children += 1
