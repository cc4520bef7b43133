"""What a store outside is given: a file, and how far the sending of it is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vitascope.media.v1.internal_pb2 import Delivery, Destination


@dataclass(frozen=True)
class Sending:
    """A file on its way.

    `delivery` may be changed; `save` stores it and raises VitascopeError, a Conflict when another
    attempt has taken over. `progress` takes the part done, 0 to 1.
    """

    path: Path
    delivery: Delivery
    save: Callable[[], Awaitable[None]]
    progress: Callable[[float], None]

    @property
    def size(self) -> int:
        """The size of the file in bytes."""
        return self.delivery.file.size


class Sender(Protocol):
    """A store outside."""

    async def send(self, destination: Destination, sending: Sending) -> str:
        """Send a file; where it is then. Raises OutsideError, and VitascopeError of `save`."""
