"""Brings a file from an address onto the disk, and goes on where a connection broke."""

import asyncio
import re
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from services.chassis.outside import (
    Answer,
    OutsideFailed,
    OutsideRefused,
    Policy,
    asking,
    retry_after,
    worth_retrying,
)
from services.media.fetch.decoding import Decoder, decoder_for
from services.media.fetch.headers import Headers, read_headers

OnProgress = Callable[[float], None]

_BUFFER_BYTES = 1 << 20
_FEW_BYTES = 1 << 18
_FIRST_DELAY = 0.2
_LONGEST_DELAY = 5.0
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@dataclass(frozen=True)
class Fetched:
    """What was stored: bytes, the declared MIME type, the name its server gives it.

    `headers` is what else matters of the answer, for asking again.
    """

    size: int
    content_type: str | None
    file_name: str
    headers: Headers


async def fetch(
    url: str,
    target: Path,
    *,
    policy: Policy,
    on_progress: OnProgress,
    known: Headers | None = None,
) -> Fetched | None:
    """Read an http(s) address into the file `target`, which holds a part after a failure.

    `on_progress` takes the part done, 0 to 1, where the server says how long
    the file is. With the headers of an earlier answer that is `known`, None
    means that nothing changed since. Raises OutsideRefused or OutsideFailed.
    """
    download = _Download(url, target, policy, on_progress)
    try:
        async with asyncio.timeout(policy.max_seconds):
            return await download.run(known)
    except TimeoutError as error:
        seconds = f"{policy.max_seconds:g}"
        raise OutsideFailed(f"Reading the source took longer than {seconds} seconds.") from error


class _Download:
    def __init__(self, url: str, target: Path, policy: Policy, on_progress: OnProgress) -> None:
        self._url = url
        self._target = target
        self._policy = policy
        self._on_progress = on_progress
        # Bytes on disk, and the tag of the version that they are a part of, if it can be resumed.
        self._size = 0
        self._tag: str | None = None

    async def run(self, known: Headers | None) -> Fetched | None:
        delay = _FIRST_DELAY
        for left in range(self._policy.max_resumes, -1, -1):
            try:
                return await self._ask(known)
            except OutsideFailed:
                if self._tag is None or not left:
                    raise
            await asyncio.sleep(delay)
            delay = min(2 * delay, _LONGEST_DELAY)
        raise AssertionError("the last try returns or raises")

    async def _ask(self, known: Headers | None) -> Fetched | None:
        if self._tag is not None:
            question = {"range": f"bytes={self._size}-", "if-range": self._tag}
        else:
            question = known.conditions() if known else {}
        async with asking(self._url, question, self._policy) as answer:
            if answer.status == 304 and known and self._tag is None:
                return None
            if answer.status == 206 and self._tag is not None:
                await self._store(answer, self._resumed(answer))
            else:
                await self._store(answer, self._begun(answer))
        headers = read_headers(answer)
        return Fetched(self._size, headers.content_type, headers.file_name, headers)

    def _begun(self, answer: Answer) -> int | None:
        """Start at the first byte; returns how many are to come, if it is told."""
        if answer.status != 200:
            raise _unusable(answer)
        self._size, self._tag = 0, None
        encoded = answer.headers.get("content-encoding", "identity").lower() != "identity"
        if not encoded:
            self._tag = read_headers(answer).strong_tag
        length = answer.headers.get("content-length", "")
        return int(length) if not encoded and re.fullmatch(r"\d{1,18}", length) else None

    def _resumed(self, answer: Answer) -> int:
        """Go on after the last byte; returns how many it will be in all."""
        tag = read_headers(answer).strong_tag
        told = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
        if not told or int(told[1]) != self._size or tag != self._tag:
            self._size, self._tag = 0, None
            raise OutsideFailed(f"The server {answer.host} goes on with another part of the file.")
        return int(told[3])

    async def _store(self, answer: Answer, total: int | None) -> None:
        self._bound(total or 0)
        decoder = decoder_for(answer.headers.get("content-encoding", ""), answer.host)
        with self._target.open("r+b" if self._size else "wb") as file:
            file.seek(self._size)
            await self._write(answer, decoder, file, total)
            file.truncate()
        if total is not None and self._size != total:
            raise OutsideFailed(f"The server {answer.host} sent another length than it said.")

    async def _write(
        self, answer: Answer, decoder: Decoder, file: IO[Any], total: int | None
    ) -> None:
        buffer = bytearray()
        try:
            async with aclosing(answer.body()) as chunks:
                async for chunk in chunks:
                    for piece in decoder.pieces(chunk):
                        self._bound(self._size + len(buffer) + len(piece))
                        buffer += piece
                        if len(buffer) >= _BUFFER_BYTES:
                            await self._flush(buffer, file, total)
            decoder.finish()
        finally:
            # What came before a failure is not asked for again.
            await self._flush(buffer, file, total)

    async def _flush(self, buffer: bytearray, file: IO[Any], total: int | None) -> None:
        if len(buffer) < _FEW_BYTES:
            # A change of threads takes longer.
            file.write(buffer)
        else:
            await asyncio.to_thread(file.write, buffer)
        self._size += len(buffer)
        buffer.clear()
        if total:
            self._on_progress(min(self._size / total, 1.0))

    def _bound(self, size: int) -> None:
        if size > self._policy.max_bytes:
            raise OutsideRefused(f"The source is larger than {self._policy.max_bytes} bytes.")


def _unusable(answer: Answer) -> OutsideFailed | OutsideRefused:
    status = answer.status
    message = f"The server {answer.host} answered with status {status}."
    if worth_retrying(status):
        return OutsideFailed(message, retry_after(answer.headers.get("retry-after", "")))
    return OutsideRefused(message)
