"""Decoding what a stranger sends happens here, in child processes that may do very little.

`parent` runs in the worker, `forkserver` in a process of its own, `child` in
one fork of it a job; `jail` is what confines the child.
"""

from services.media.sandbox.link import Lost
from services.media.sandbox.parent import Failure, Outcome, Sandbox, Success

__all__ = ["Failure", "Lost", "Outcome", "Sandbox", "Success"]
