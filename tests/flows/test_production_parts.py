"""The same flow on PostgreSQL, Apache Kafka and S3, by settings alone."""

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from PIL import Image

from tests.flows.walk import download, ingest, process, upload
from tests.kit.clips import FILM, decode
from tests.kit.postgres import create_database, drop_database
from tests.kit.suite import Suite

SERVICES = ("accounts", "videos", "media", "tasks")


@pytest.fixture(scope="module")
def production(
    postgres: str, kafka: str, s3_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Suite]:
    prefix = f"flow_{uuid4().hex}_"
    for service in SERVICES:
        asyncio.run(create_database(postgres, prefix + service))
    environment = {
        "VITASCOPE_DATABASE_URL": f"{postgres}/{prefix}{{service}}",
        "VITASCOPE_KAFKA_SERVERS": kafka,
        "VITASCOPE_STORAGE_URL": s3_url,
    }
    with Suite(tmp_path_factory.mktemp("production"), environment) as suite:
        yield suite
    for service in SERVICES:
        asyncio.run(drop_database(f"{postgres}/{prefix}{service}"))


def test_video_and_task(production: Suite, pictures: str, tmp_path: Path) -> None:
    with production.signed_in("ada@example.org") as client:
        video = upload(client, FILM)
        ingest(client, video)
        processed = process(client, video, {"resolution": {"tag": "2x"}, "scaler": "scale"})
        path = download(client, f"/media/v1/download/processed/{processed}", tmp_path / "out.mp4")
        before, after = decode(FILM), decode(path)
        assert (after.width, after.frames) == (2 * before.width, before.frames)

    secret = production.run("keys", "add", "--email", "ada@example.org")["secret"]
    task = {"task_name": "image.thumb", "url": f"{pictures}/bunny_sideways.jpg", "width": 64}
    body = {"secret": secret, "tasks": task, "block": True}
    [status] = httpx.post(f"{production.url}/v2/create", json=body, timeout=60).json()
    assert status["status"] == "success", status
    with Image.open(io.BytesIO(httpx.get(status["result"]["output"]).content)) as thumbnail:
        assert thumbnail.width == 64
    parts = {" ".join(process.cmdline()) for process in production.processes()}
    assert not any("tansu" in part for part in parts), "no embedded broker beside a real one"
    databases = list((production.data / "db").iterdir())
    assert databases == [], "no SQLite beside PostgreSQL"
