"""Files out."""

import asyncio
from pathlib import Path

import httpx
import pytest

from services.chassis.lending import LentFile
from tests.gateway.lab import Lab
from tests.kit.waiting import wait_for_async

SIZE = 3 * 2**20


async def test_the_bytes_come_as_they_are(client: httpx.AsyncClient) -> None:
    answer = await client.get("/lab/files/a/b%20c.mp4")
    assert answer.status_code == 200
    assert answer.content == b"0123456789abcdef" * (SIZE // 16)
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-length"] == str(SIZE)
    assert answer.headers["etag"] == '"1"'


async def test_ranges_and_unchanged_files_are_the_service_s_word(client: httpx.AsyncClient) -> None:
    part = await client.get("/lab/files/a", headers={"range": "bytes=0-"})
    assert part.status_code == 206
    same = await client.get("/lab/files/same")
    assert same.status_code == 304
    assert same.content == b""
    assert "content-type" not in same.headers


async def test_errors_come_before_the_first_byte(client: httpx.AsyncClient) -> None:
    answer = await client.get("/lab/files/none")
    assert answer.status_code == 404
    assert answer.json()["errorMessage"] == "no such file"


async def test_head_has_the_headers_and_takes_no_bytes(wire: httpx.AsyncClient, lab: Lab) -> None:
    answer = await wire.head("/lab/files/endless")
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(2048 * 2**20)
    assert answer.headers["content-type"] == "video/mp4"
    await asyncio.wait_for(lab.cancelled.wait(), 10)
    assert lab.pieces_sent < 64


async def test_head_knows_no_ranges(client: httpx.AsyncClient) -> None:
    answer = await client.head("/lab/files/a", headers={"range": "bytes=0-"})
    assert (answer.status_code, answer.headers["content-length"]) == (200, str(SIZE))


async def test_a_failure_on_the_way_breaks_the_connection(wire: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await wire.get("/lab/files/torn")


async def test_a_client_that_leaves_ends_the_call(wire: httpx.AsyncClient, lab: Lab) -> None:
    async with wire.stream("GET", "/lab/files/endless") as answer:
        async for _ in answer.aiter_raw():
            break
    await asyncio.wait_for(lab.cancelled.wait(), 10)


async def test_a_slow_client_slows_the_service(port: int, lab: Lab) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**16)
    writer.write(b"GET /lab/files/endless HTTP/1.1\r\nhost: lab\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    await wait_for_async(lambda: lab.quiet_seconds() > 0.5, what="the service to be held up")
    assert lab.pieces_sent < 64
    writer.close()
    await asyncio.wait_for(lab.cancelled.wait(), 10)


@pytest.fixture
def lent(tmp_path: Path, lab: Lab) -> Path:
    """A file whose middle the service offers as the body, beside sending other bytes."""
    path = tmp_path / "a file, \u00fc"
    path.write_bytes(b"before" + b"lent" * (SIZE // 4) + b"after")
    lab.lent = str(LentFile.of(path, 6, 6 + SIZE))
    return path


async def test_bytes_are_read_from_a_file_that_is_lent(
    wire: httpx.AsyncClient, lab: Lab, lent: Path
) -> None:
    answer = await wire.get("/lab/files/lent")
    assert answer.status_code == 200
    assert answer.content == b"lent" * (SIZE // 4)
    assert answer.headers["content-type"] == "video/mp4"
    await asyncio.wait_for(lab.cancelled.wait(), 10)
    head = await wire.head("/lab/files/lent")
    assert (head.content, head.headers["content-length"]) == (b"", str(SIZE))


async def test_another_file_at_that_place_is_not_sent(
    wire: httpx.AsyncClient, lab: Lab, lent: Path
) -> None:
    def replace() -> None:
        whole = lent.read_bytes()
        lent.unlink()
        lent.write_bytes(whole)

    await asyncio.to_thread(replace)
    answer = await wire.get("/lab/files/lent")
    assert answer.content == b"0123456789abcdef" * (SIZE // 16)
    await asyncio.to_thread(lent.unlink)
    answer = await wire.get("/lab/files/lent")
    assert answer.content == b"0123456789abcdef" * (SIZE // 16)
