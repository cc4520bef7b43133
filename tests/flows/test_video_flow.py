"""A film through the whole suite: sign up, upload, ingest, process, download."""

import hashlib
from pathlib import Path

import httpx
import pytest

from tests.flows.walk import download, ingest, process, upload
from tests.kit.clips import FILM, decode


def test_a_film_is_ingested_processed_and_comes_back(client: httpx.Client, tmp_path: Path) -> None:
    video = upload(client, FILM)
    state = ingest(client, video)
    assert state["videoMetadataCommitted"]
    found = client.get(f"/videos/v1/video/{video}").json()["video"]
    before = decode(FILM)
    metadata = found["ingestion"]["metadata"]
    assert (metadata["frameWidth"], metadata["frameHeight"]) == (before.width, before.height)
    assert metadata["totalFrames"] == before.frames
    assert found["upload"]["fileSize"] == FILM.stat().st_size

    processed = process(client, video, {"resolution": {"tag": "2x"}, "scaler": "scale"})
    path = download(client, f"/media/v1/download/processed/{processed}", tmp_path / "out.mp4")
    after = decode(path)
    assert (after.width, after.height) == (2 * before.width, 2 * before.height)
    assert after.frames == before.frames
    assert abs(after.seconds - before.seconds) <= before.frame_seconds
    assert after.audio_samples == pytest.approx(before.audio_samples, rel=0.02)


def test_the_original_comes_back_byte_for_byte(client: httpx.Client, tmp_path: Path) -> None:
    video = upload(client, FILM)
    address = f"/media/v1/download/original/{video}"
    whole = download(client, address, tmp_path / "whole.mp4")
    assert whole.read_bytes() == FILM.read_bytes()
    head = client.head(address)
    digest = hashlib.sha256(FILM.read_bytes()).hexdigest()
    assert head.headers["etag"] == f'"{digest}"'
    assert int(head.headers["content-length"]) == FILM.stat().st_size
    assert FILM.name in head.headers["content-disposition"]
    part = client.get(address, headers={"Range": "bytes=1000-1999"})
    assert part.status_code == 206
    assert part.content == FILM.read_bytes()[1000:2000]
    unchanged = client.get(address, headers={"If-None-Match": head.headers["etag"]})
    assert unchanged.status_code == 304
