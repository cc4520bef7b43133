"""Many uploads, then many downloads, all under way at once: every byte right, memory flat.

Flat is what does not depend on how large the files are: a transfer may cost what its buffers hold.
VITASCOPE_SOAK=1 makes it 200 uploads and 500 downloads.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.kit.memory import peaks
from tests.kit.suite import Suite

MIB = 1 << 20
UPLOADS, DOWNLOADS = (200, 500) if os.environ.get("VITASCOPE_SOAK") == "1" else (80, 150)
# More than all the buffers on the way hold, so that half a file sent is half a file under way.
SIZE = 12 * MIB
BLOCK = MIB
LIMIT = 200 * MIB + DOWNLOADS * 4 * MIB
SECONDS = 300.0


@dataclass
class Meeting:
    """Lets nobody on before `number` have come."""

    number: int
    full: asyncio.Event = field(default_factory=asyncio.Event)
    came: int = 0

    async def wait(self) -> None:
        """Come, and wait for the others."""
        self.came += 1
        if self.came == self.number:
            self.full.set()
        await self.full.wait()


def block(number: int, index: int) -> bytes:
    """A piece of the file with that number."""
    return hashlib.sha256(f"{number} {index}".encode()).digest() * (BLOCK // 32)


def digest(number: int) -> str:
    """The SHA-256 of the file with that number."""
    whole = hashlib.sha256()
    for index in range(SIZE // BLOCK):
        whole.update(block(number, index))
    return whole.hexdigest()


def multipart(number: int, meeting: Meeting) -> tuple[dict[str, str], AsyncIterator[bytes]]:
    """Headers and body of an upload that pauses half-way until all others are there."""
    disposition = f'Content-Disposition: form-data; name="file"; filename="{number}.bin"'
    head = f"--edge\r\n{disposition}\r\nContent-Type: video/mp4\r\n\r\n".encode()
    tail = b"\r\n--edge--\r\n"

    async def body() -> AsyncIterator[bytes]:
        yield head
        for index in range(SIZE // BLOCK):
            if index == SIZE // BLOCK // 2:
                await meeting.wait()
            yield block(number, index)
        yield tail

    headers = {
        "Content-Type": "multipart/form-data; boundary=edge",
        "Content-Length": str(len(head) + SIZE + len(tail)),
    }
    return headers, body()


async def upload(client: httpx.AsyncClient, number: int, meeting: Meeting) -> str:
    """Upload a file as a new video's original; return the video's id."""
    created = await client.put("/videos/v1/video", json={"name": f"film {number}"})
    video_id: str = created.json()["videoId"]
    headers, body = multipart(number, meeting)
    answer = await client.post(f"/media/v1/upload/light/{video_id}", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return video_id


async def download(client: httpx.AsyncClient, video_id: str, meeting: Meeting) -> str:
    """Return the SHA-256 of an original, read to its end when all others have begun."""
    seen = hashlib.sha256()
    async with client.stream("GET", f"/media/v1/download/original/{video_id}") as answer:
        assert answer.status_code == 200
        await meeting.wait()
        async for chunk in answer.aiter_bytes():
            seen.update(chunk)
        assert answer.headers["etag"] == f'"{seen.hexdigest()}"'
    return seen.hexdigest()


async def transfers(url: str, headers: dict[str, str]) -> None:
    """Upload all at once, then download all at once."""
    limits = httpx.Limits(max_connections=None)
    async with (
        asyncio.timeout(SECONDS),
        httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=SECONDS) as client,
    ):
        together = Meeting(UPLOADS)
        videos = await asyncio.gather(*(upload(client, n, together) for n in range(UPLOADS)))
        apart = Meeting(DOWNLOADS)
        asked = [number % UPLOADS for number in range(DOWNLOADS)]
        seen = await asyncio.gather(*(download(client, videos[n], apart) for n in asked))
    assert seen == [digest(number) for number in asked]


def test_many_uploads_and_downloads_at_once(tmp_path: Path) -> None:
    with Suite(tmp_path / "suite") as suite, suite.signed_in("ada@example.org") as client:
        with peaks(suite) as seen:
            asyncio.run(transfers(suite.url, {"Authorization": client.headers["Authorization"]}))
        assert seen
        assert {name: peak // MIB for name, peak in seen.items() if peak > LIMIT} == {}
