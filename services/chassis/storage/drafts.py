"""What an object is while it is written, wherever it goes."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Stored:
    """What was written: size in bytes and SHA-256 in lower-case hex."""

    size: int
    sha256: str


class Draft(Protocol):
    """An object on its way: invisible until it is finished, and safe as far as it was kept.

    `size` counts the bytes that were kept, and `state` is what another process needs, beside
    the size, to go on after them. Every method raises `errors.Unavailable` when the store fails.
    """

    @property
    def size(self) -> int:
        """Bytes that outlast this process."""

    @property
    def state(self) -> str:
        """What the storage has to know to go on; meaningless to everybody else."""

    async def append(self, chunk: bytes) -> None:
        """Take more bytes; they may get lost until they are kept."""

    async def keep(self) -> None:
        """Make all that was appended outlast this process and the machine's power."""

    async def finish(self) -> None:
        """Make what was appended the object, in place of what was there.

        It is there when this returns, of the right size, and outlasts the machine's power.
        """

    async def discard(self) -> None:
        """Drop everything, what was kept too."""

    async def close(self) -> None:
        """Let go of files and connections. What was kept stays."""
