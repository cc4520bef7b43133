"""Drafts as S3 multipart uploads.

S3 takes parts of 5 MiB and more, 10,000 of them; only the last may be smaller. What is kept before
there is enough for a part lies in an object of its own, `halves/KEY`, and is read back when the
next bytes come. S3 makes the object of the parts that it is told to, whatever others have arrived:
so bytes that were sent and not kept count for nothing, and their numbers are used again.
"""

import asyncio
import json
from contextlib import suppress
from itertools import pairwise

from services.chassis.errors import Unavailable
from services.chassis.storage.keys import unavailable
from services.chassis.storage.s3 import S3, Refused

HALVES = "halves"
"""The folder of a bucket in which the ends of drafts lie."""

SMALLEST_PART = 5 * 2**20
MOST_PARTS = 10_000
# Parts grow by 1 MiB with every 45th, so that 1.1 TiB fit into 10,000 and memory is little used by
# what is small.
_GROWTH = 2**20
_GROWS_EVERY = 45
_NOT_FOUND = 404


def part_bytes(number: int, left: int | None) -> int:
    """Return how large part `number` should be, with `left` bytes to go; None is not known."""
    if left is None:
        return SMALLEST_PART + number // _GROWS_EVERY * _GROWTH
    parts_left = max(1, MOST_PARTS - number)
    return max(SMALLEST_PART, (left + parts_left - 1) // parts_left)


class BucketDraft:
    """An object on its way into a bucket; see `drafts.Draft`."""

    def __init__(
        self, s3: S3, key: str, state: str, *, length: int | None, taken_over: bool
    ) -> None:
        """`length` is how long the object will be, if that is known.

        `taken_over` means that another process may still send a part: its number is left out.
        """
        known = json.loads(state) if state else {}
        self._s3, self._key, self._half = s3, key, f"{HALVES}/{key}"
        self._upload_id: str = known.get("id", "")
        self._numbers: list[int] = _spread(known.get("parts", []))
        self._next: int = known.get("next", 1) + taken_over
        self._in_parts: int = known.get("bytes", 0)
        self._tail: int = known.get("tail", 0)
        self._length = length
        self._etags: dict[int, str] = {}
        self._buffer = bytearray()
        self._read = not self._tail
        self._sending: asyncio.Task[str] | None = None
        self._sent = b""
        self._size: int = self._in_parts + self._tail
        self._state = state

    @property
    def size(self) -> int:
        return self._size

    @property
    def state(self) -> str:
        return self._state

    async def append(self, chunk: bytes) -> None:
        await self._read_tail()
        self._buffer += chunk
        while len(self._buffer) >= (size := self._part_bytes()):
            await self._send(size)

    async def keep(self) -> None:
        await self._read_tail()
        if len(self._buffer) >= self._part_bytes():
            await self._send(len(self._buffer))
        await self._arrived()
        if self._buffer:
            await self._s3.put(self._half, bytes(self._buffer))
        self._tail = len(self._buffer)
        self._size = self._in_parts + self._tail
        facts = {
            "id": self._upload_id,
            "parts": _ranges(self._numbers),
            "next": self._next,
            "bytes": self._in_parts,
            "tail": self._tail,
        }
        self._state = json.dumps(facts, separators=(",", ":"))

    async def finish(self) -> None:
        await self._read_tail()
        await self._arrived()
        if not self._upload_id:
            await self._s3.put(self._key, bytes(self._buffer))
            size = len(self._buffer)
        else:
            if self._buffer:
                await self._send(len(self._buffer))
                await self._arrived()
            await self._complete()
            size = self._in_parts
        if await self._s3.size(self._key) != size:
            await self._s3.delete(self._key)
            raise unavailable()
        self._size = size
        if self._state:
            await self._s3.delete(self._half)

    async def discard(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait({self._sending})
            self._sending = None
        if self._upload_id:
            await self._s3.abort(self._key, self._upload_id)
        await self._s3.delete(self._half)

    async def close(self) -> None:
        await self._wait()
        await self._s3.close()

    def _part_bytes(self) -> int:
        left = None if self._length is None else self._length - self._in_parts
        return part_bytes(self._next, left)

    async def _read_tail(self) -> None:
        if not self._read:
            # It may be longer than what was kept, when a process died in between.
            self._buffer[:] = (await self._s3.get(self._half))[: self._tail]
            if len(self._buffer) < self._tail:
                raise unavailable()
            self._read = True

    async def _send(self, size: int) -> None:
        """Send the first bytes of the buffer as a part, while the next ones come."""
        await self._arrived()
        if not self._upload_id:
            self._upload_id = await self._s3.begin(self._key)
        with memoryview(self._buffer) as view:
            self._sent = bytes(view[:size])
        # The rest moves: a buffer whose front is cut keeps all that it ever held.
        self._buffer = self._buffer[size:]
        part = self._s3.put_part(self._key, self._upload_id, self._next, self._sent)
        self._sending = asyncio.create_task(part)

    async def _arrived(self) -> None:
        """Wait for the part that is on its way, and count it."""
        if self._sending is None:
            return
        try:
            etag = await asyncio.shield(self._sending)
        except Unavailable:
            self._buffer[:0] = self._sent
            self._sending, self._sent = None, b""
            raise
        self._etags[self._next] = etag
        self._numbers.append(self._next)
        self._next += 1
        self._in_parts += len(self._sent)
        self._sending, self._sent = None, b""

    async def _wait(self) -> None:
        if self._sending is not None:
            with suppress(Unavailable):
                await self._sending

    async def _complete(self) -> None:
        if missing := set(self._numbers) - self._etags.keys():
            parts = self._s3.parts(self._key, self._upload_id)
            listed = {number: etag async for number, etag, _ in parts if number in missing}
            self._etags |= listed
        try:
            parts_told = [(number, self._etags[number]) for number in self._numbers]
            await self._s3.complete(self._key, self._upload_id, parts_told)
        except (KeyError, Refused) as error:
            # A repeat of a request whose answer was lost finds nothing to complete any more.
            gone = isinstance(error, Refused) and error.status == _NOT_FOUND
            if not (gone and await self._s3.size(self._key) == self._in_parts):
                raise unavailable() from error


def _ranges(numbers: list[int]) -> list[list[int]]:
    """Return ascending numbers as ranges, first and last of each."""
    if not numbers:
        return []
    cuts = [(a, b) for a, b in pairwise(numbers) if b != a + 1]
    firsts = [numbers[0], *(b for _, b in cuts)]
    lasts = [*(a for a, _ in cuts), numbers[-1]]
    return [list(each) for each in zip(firsts, lasts, strict=True)]


def _spread(ranges: list[list[int]]) -> list[int]:
    return [number for first, last in ranges for number in range(first, last + 1)]
