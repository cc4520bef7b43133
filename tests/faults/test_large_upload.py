"""A 2 GiB upload: flat memory in every process, and the bytes come back."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.flows.walk import create
from tests.kit.memory import peaks
from tests.kit.suite import Suite

MIB = 1 << 20
SIZE = 2 << 30
LIMIT = 300 * MIB
BOUNDARY = "a-boundary-that-is-not-in-the-data"


class Blob:
    """Bytes that need not be kept: block n is a function of n."""

    def __init__(self, size: int) -> None:
        self.size = size

    def block(self, number: int) -> bytes:
        seed = hashlib.sha256(str(number).encode()).digest()
        return seed * (MIB // len(seed))

    def multipart(self) -> Iterator[bytes]:
        yield head()
        for number in range(self.size // MIB):
            yield self.block(number)
        yield tail()

    def part(self, start: int, end: int) -> bytes:
        blocks = b"".join(self.block(n) for n in range(start // MIB, (end - 1) // MIB + 1))
        offset = start // MIB * MIB
        return blocks[start - offset : end - offset]


def head() -> bytes:
    disposition = 'Content-Disposition: form-data; name="file"; filename="large.bin"'
    return f"--{BOUNDARY}\r\n{disposition}\r\nContent-Type: video/mp4\r\n\r\n".encode()


def tail() -> bytes:
    return f"\r\n--{BOUNDARY}--\r\n".encode()


def test_two_gibibytes_with_flat_memory(tmp_path: Path) -> None:
    blob = Blob(SIZE)
    with Suite(tmp_path / "suite") as suite, suite.signed_in("ada@example.org") as client:
        client.timeout = httpx.Timeout(300)
        video = create(client, name="large")
        with peaks(suite) as seen:
            answer = client.post(
                video["uploadLightMediaUrl"],
                content=blob.multipart(),
                headers={
                    "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
                    "Content-Length": str(SIZE + len(head()) + len(tail())),
                },
            )
            assert answer.status_code == 200, answer.text
            address = f"/media/v1/download/original/{video['videoId']}"
            assert int(client.head(address).headers["content-length"]) == SIZE
            for start in (0, 12345, SIZE // 2 - 7, SIZE - 3 * MIB):
                end = min(start + 2 * MIB + 11, SIZE)
                part = client.get(address, headers={"Range": f"bytes={start}-{end - 1}"})
                assert part.status_code == 206
                assert part.content == blob.part(start, end)
            with client.stream("GET", address) as whole:
                digest = hashlib.sha256()
                for chunk in whole.iter_bytes():
                    digest.update(chunk)
            assert f'"{digest.hexdigest()}"' == whole.headers["etag"]
        assert seen
        assert {name: peak // MIB for name, peak in seen.items() if peak > LIMIT} == {}
