"""How much of a streamed answer is handed to the server at a time."""

import time
from collections.abc import Callable, Iterator

# The server holds this many pieces for a client that does not take them (granian's channel).
_SLOTS = 32
# What is handed over lasts the client about this long, which is enough to keep it busy.
_AHEAD_SECONDS = 0.05
SMALLEST_BYTES = 16 * 2**10
# A fast client may stop reading, as players do when they have enough: 2 MiB lie about then.
LARGEST_BYTES = 64 * 2**10


class Pace:
    """Cuts an answer into pieces that fit how fast the client takes them: small ones at first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` tells seconds."""
        self._clock = clock
        self._piece = SMALLEST_BYTES
        self._pieces = self._bytes = 0
        self._since = clock()

    def cut(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the chunk in pieces. To ask for the next one says that the server took the last."""
        at = 0
        while at < len(chunk):
            piece = chunk[at : at + self._piece]
            at += len(piece)
            yield piece
            self._taken(len(piece))

    def _taken(self, size: int) -> None:
        # Once its slots are full, the server takes what the client takes.
        self._pieces += 1
        self._bytes += size
        if self._pieces % _SLOTS:
            return
        moment = self._clock()
        if self._pieces > _SLOTS:
            speed = self._bytes / max(moment - self._since, 1e-6)
            fitting = int(speed * _AHEAD_SECONDS / _SLOTS)
            self._piece = min(max(fitting, SMALLEST_BYTES), LARGEST_BYTES)
        self._bytes, self._since = 0, moment
