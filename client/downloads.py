"""Output files to disk: whole or not at all."""

import asyncio
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import IO

import httpx

from client.transport import AwayError, Backoff, exchange

Progress = Callable[[int, int | None], None]


async def download(
    http: httpx.AsyncClient, url: str, path: Path, backoff: Backoff, progress: Progress | None
) -> str:
    """Write the file at `url` to `path`, which shows it only when it is whole; return its type.

    A download that breaks goes on where it was, if the file is still the same. `progress` hears
    how many bytes are there, and of how many if that is known. Raises RefusedError,
    UnavailableError and OSError; then nothing is left of it.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with await asyncio.to_thread(part.open, "wb") as file:
            transfer = _Transfer(http, url, file, progress)
            while not await transfer.done(backoff):
                pass
        await asyncio.to_thread(part.replace, path)
        return transfer.media_type
    finally:
        part.unlink(missing_ok=True)


class _Transfer:
    """One file on its way, over as many connections as it takes."""

    def __init__(
        self, http: httpx.AsyncClient, url: str, file: IO[bytes], progress: Progress | None
    ) -> None:
        self._http, self._url, self._file = http, url, file
        self._progress = progress or (lambda _bytes, _of: None)
        self._received = 0
        self._total: int | None = None
        self._etag = ""
        self.media_type = ""

    async def done(self, backoff: Backoff) -> bool:
        """Read as far as one connection gets; False, after a pause, when it broke."""
        # Compressed, the length would not be that of the file, and a part could not be asked for.
        headers = {"Accept-Encoding": "identity"}
        if self._received and self._etag:
            headers |= {"Range": f"bytes={self._received}-", "If-Range": self._etag}
        try:
            async with exchange(
                self._http, "GET", self._url, headers=headers, follow_redirects=True
            ) as response:
                await self._begin(response)
                async for chunk in response.aiter_bytes():
                    await asyncio.to_thread(self._file.write, chunk)
                    self._received += len(chunk)
                    self._progress(self._received, self._total)
                    backoff.reset()
        except AwayError as cause:
            await backoff.wait(cause)
            return self._received == self._total
        return True

    async def _begin(self, response: httpx.Response) -> None:
        if response.status_code != httpx.codes.PARTIAL_CONTENT:
            await asyncio.to_thread(self._file.seek, 0)
            await asyncio.to_thread(self._file.truncate)
            self._received = 0
        self._etag = response.headers.get("ETag", "")
        self.media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
        length = response.headers.get("Content-Length")
        self._total = None if length is None else self._received + int(length)
