"""Clients that others wrote: tuspy and tus-js-client."""

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

from tests.kit.node import with_package
from tests.media.house import bearer, until
from tests.media.tus import Desk, open_desk

MIB = 2**20
CONTENT = os.urandom(5 * MIB + 123)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as desk:
        yield desk


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mov"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def stream(film: Path) -> Iterator[BinaryIO]:
    with film.open("rb") as stream:
        yield stream


def tuspy(desk: Desk, stream: BinaryIO, **options: Any) -> Any:
    """An uploader of tuspy."""
    client = TusClient(desk.address, headers=dict(bearer()))
    return client.uploader(
        file_stream=stream, chunk_size=2 * MIB, metadata_encoding="utf-8", **options
    )


async def test_tuspy_uploads(desk: Desk, stream: BinaryIO) -> None:
    video_id = desk.house.catalogue.add()
    metadata = {"videoId": video_id, "filename": "film.mov", "filetype": "video/quicktime"}
    uploader = tuspy(desk, stream, metadata=metadata, upload_checksum=True)
    await asyncio.to_thread(uploader.upload)
    assert await etag(desk, video_id) == SHA256


async def test_tuspy_resumes_elsewhere(desk: Desk, stream: BinaryIO) -> None:
    video_id = desk.house.catalogue.add()
    first = tuspy(desk, stream, metadata={"videoId": video_id})
    await asyncio.to_thread(first.upload, 2 * MIB)
    second = await asyncio.to_thread(tuspy, desk, stream, url=first.url)
    assert second.offset == 2 * MIB
    await asyncio.to_thread(second.upload)
    assert await etag(desk, video_id) == SHA256


async def test_tuspy_hears_why_not(desk: Desk, stream: BinaryIO) -> None:
    with pytest.raises(TusCommunicationError) as refusal:
        await asyncio.to_thread(tuspy(desk, stream, metadata={"videoId": "none"}).upload)
    assert refusal.value.status_code == 404


JAVASCRIPT = """
const fs = require('fs');
const tus = require('tus-js-client');
const [endpoint, token, file, videoId, options] = process.argv.slice(2);
const { uploadUrl, pauseAt, ...others } = JSON.parse(options);
let paused = false;
const upload = new tus.Upload(fs.createReadStream(file), {
  endpoint,
  uploadUrl,
  uploadSize: fs.statSync(file).size,
  retryDelays: [0, 50, 100, 200, 400, 800],
  metadata: { videoId, filename: 'film.mov', filetype: 'video/quicktime' },
  headers: { Authorization: token },
  ...others,
  onProgress(sent) {
    if (pauseAt && sent >= pauseAt && !paused) {
      paused = true;
      upload.abort().then(() => console.log(JSON.stringify({ url: upload.url })));
    }
  },
  onError(error) { console.error(String(error)); process.exit(1); },
  onSuccess() { console.log(JSON.stringify({ url: upload.url })); },
});
upload.start();
"""


async def tus_js(desk: Desk, film: Path, video_id: str, **options: Any) -> str:
    """Upload by tus-js-client in node; return the upload's address."""
    node, environment = with_package("tus-js-client", "4.3.1")
    script = film.with_name("upload.cjs")
    script.write_text(JAVASCRIPT)
    token = dict(bearer())["authorization"]
    process = await asyncio.create_subprocess_exec(
        *(node, str(script), desk.address, token, str(film), video_id, json.dumps(options)),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    return str(json.loads(said)["url"])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunkSize": MIB},
        {"uploadDataDuringCreation": True},
        {"uploadDataDuringCreation": True, "chunkSize": 2 * MIB},
        {"overridePatchMethod": True},
    ],
)
async def test_tus_js_client_uploads(desk: Desk, film: Path, options: dict[str, Any]) -> None:
    video_id = desk.house.catalogue.add()
    address = await tus_js(desk, film, video_id, **options)
    assert address.startswith(desk.address)
    assert await etag(desk, video_id) == SHA256
    assert await desk.house.happenings() == ["upload_started", "media_stored"]


async def test_tus_js_client_resumes(desk: Desk, film: Path) -> None:
    """It is stopped on its way, and a new process goes on."""
    video_id = desk.house.catalogue.add()
    address = await tus_js(desk, film, video_id, pauseAt=2 * MIB, chunkSize=MIB)

    async def some() -> bool:
        return 0 < await desk.offset(address) < len(CONTENT)

    await until(some)
    assert await tus_js(desk, film, video_id, uploadUrl=address) == address
    assert await etag(desk, video_id) == SHA256


async def etag(desk: Desk, video_id: str) -> str:
    """The ETag of a video's original, without its quotes."""
    return (await desk.house.download(video_id)).headers["etag"].strip('"')
