"""An upload in several requests goes on over the deaths of every part that it passes through."""

import hashlib
import os
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.kit.suite import Suite
from tests.kit.waiting import wait_for

MIB = 2**20
CONTENT = os.urandom(48 * MIB + 7)
TUS = {"Tus-Resumable": "1.0.0"}


@pytest.mark.parametrize("victim", ["services.media", "gateway"])
def test_an_upload_outlasts_a_kill(tmp_path: Path, victim: str) -> None:
    with Suite(tmp_path / "data") as suite, suite.signed_in("tus@example.org") as client:
        video = client.put("/videos/v1/video", json={}).json()["videoId"]
        named = f"videoId {b64encode(video.encode()).decode()}"
        headers = {**TUS, "Upload-Length": str(len(CONTENT)), "Upload-Metadata": named}
        begun = client.post("/media/v1/tus", headers=headers)
        assert begun.status_code == 201, begun.text
        address = begun.headers["location"]

        def dying() -> Iterator[bytes]:
            for start in range(0, len(CONTENT), MIB):
                if start == 40 * MIB:
                    suite.part(victim).kill()
                yield CONTENT[start : start + MIB]
                time.sleep(0.01)

        status = patch(client, address, 0, dying())
        assert status is None or status >= 500, status
        offset = wait_for(lambda: offset_of(client, address), seconds=60, what="an answer")
        assert offset is not None
        assert 32 * MIB <= offset < len(CONTENT)
        rest = (CONTENT[start : start + MIB] for start in range(offset, len(CONTENT), MIB))
        assert patch(client, address, offset, rest) == 204

        def downloaded() -> str | None:
            answer = client.get(f"/media/v1/download/original/{video}")
            return hashlib.sha256(answer.content).hexdigest() if answer.is_success else None

        found = wait_for(downloaded, seconds=90, what="the file")
        assert found == hashlib.sha256(CONTENT).hexdigest()


def patch(client: httpx.Client, address: str, offset: int, content: Iterator[bytes]) -> int | None:
    """Send bytes; return the status, None when the connection broke."""
    kind = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
    try:
        return client.patch(address, headers={**TUS, **kind}, content=content).status_code
    except httpx.TransportError:
        return None


def offset_of(client: httpx.Client, address: str) -> int | None:
    """How far the upload is, once anybody answers; not 0, which `wait_for` takes for not yet."""
    try:
        answer = client.head(address, headers=TUS)
    except httpx.TransportError:
        return None
    return int(answer.headers["upload-offset"]) if answer.is_success else None
