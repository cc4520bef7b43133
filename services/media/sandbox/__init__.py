"""Decoding what a stranger sends happens here, in child processes that may do very little.

`parent` runs in the worker with `pool` and `watch`, `forkserver` in a process
of its own, `child` in forks of it; `jail` is what confines a child.
"""

from services.media.sandbox.conversation import Ears, Lost
from services.media.sandbox.outcome import Failure, Outcome, Split, Success
from services.media.sandbox.parent import Sandbox
from services.media.sandbox.wire import Order

__all__ = ["Ears", "Failure", "Lost", "Order", "Outcome", "Sandbox", "Split", "Success"]
