"""What happens when a store is away, and when a process that used one ends."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.chassis.errors import Unavailable
from services.chassis.storage import Storage
from services.chassis.storage.bucket import MOST_PARTS, SMALLEST_PART, part_bytes
from services.chassis.storage.signing import Credentials, query_text, signed_headers
from tests.kit.servers import free_port

KEYS = "region=us-east-1&access_key=a&secret_key=b"


async def one() -> AsyncIterator[bytes]:
    yield b"x"


async def test_a_bucket_that_is_away_is_unavailable() -> None:
    storage = Storage(f"s3://bucket?endpoint=http://127.0.0.1:{free_port()}&{KEYS}")
    for attempt in (storage.exists("a"), storage.put("a", one()), storage.delete("a")):
        with pytest.raises(Unavailable) as caught:
            await attempt
        assert caught.value.retry_after == 1.0


async def test_wrong_keys_are_the_operators_trouble(s3_url: str) -> None:
    storage = Storage(f"{s3_url.partition('&')[0]}&{KEYS}")
    with pytest.raises(Unavailable):
        await storage.put("a", one())


async def test_a_full_or_broken_folder_is_unavailable(tmp_path: Path) -> None:
    storage = Storage(f"file://{tmp_path}/store")
    (tmp_path / "store" / "a").write_bytes(b"a file where a folder has to be")
    with pytest.raises(Unavailable):
        await storage.put("a/b", one())


async def test_folders_may_have_any_name(tmp_path: Path) -> None:
    storage = Storage((tmp_path / "My Films & more").as_uri())
    await storage.put("a", one())
    assert (tmp_path / "My Films & more" / "a").read_bytes() == b"x"


LEAVING = """
import asyncio, sys
from services.chassis.storage import Storage

async def pieces():
    for _ in range(40):
        yield bytes(2**20)

async def main():
    storage = Storage(sys.argv[1])
    task = asyncio.create_task(storage.put("a/cut", pieces()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await storage.put("a/whole", pieces())
    assert [entry.key async for entry in storage.list("")] == ["a/whole"]
    await storage.delete("a/whole")

asyncio.run(main())
"""


async def test_a_process_that_used_storage_ends_in_order(tmp_path: Path) -> None:
    """The library's threads abort the process when they outlive the interpreter."""
    for _ in range(8):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            LEAVING,
            f"file://{tmp_path}/store",
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()


@pytest.mark.parametrize(
    ("query", "signature"),
    [
        ({"lifecycle": ""}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (
            {"prefix": "J", "max-keys": "2"},
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_requests_are_signed_as_amazon_shows(query: dict[str, str], signature: str) -> None:
    """The examples of "Signature Calculations for the Authorization Header"."""
    key = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    at = datetime(2013, 5, 24, tzinfo=UTC)
    host = "examplebucket.s3.amazonaws.com"
    text = query_text(query)
    headers = signed_headers("GET", host, "/", text, b"", key, "us-east-1", at)
    assert headers["authorization"].endswith(f"Signature={signature}")


def test_the_largest_upload_fits_into_the_parts() -> None:
    assert sum(part_bytes(number, None) for number in range(1, MOST_PARTS + 1)) >= 2**40
    left, number = 2**40, 1
    while left > 0:
        left -= part_bytes(number, left)
        number += 1
    assert number <= MOST_PARTS + 1
    assert part_bytes(1, None) == part_bytes(1, 2**30) == SMALLEST_PART


def test_a_bucket_needs_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match="AWS_ACCESS_KEY_ID"):
        Storage("s3://bucket?endpoint=http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    Storage("s3://bucket?endpoint=http://127.0.0.1:1")
