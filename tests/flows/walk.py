"""Steps of the Video API's main walk, by REST."""

from pathlib import Path
from typing import Any

import httpx

from tests.kit.waiting import wait_for

PATIENCE_SECONDS = 240.0


def create(client: httpx.Client, **body: str) -> dict[str, Any]:
    """Make a video and return the documented answer."""
    answer = client.put("/videos/v1/video", json=body)
    assert answer.status_code == 200, answer.text
    created: dict[str, Any] = answer.json()
    return created


def upload(client: httpx.Client, path: Path) -> str:
    """Make a video, upload its file, and return its id."""
    video = create(client, name=path.stem)
    with path.open("rb") as file:
        answer = client.post(
            video["uploadLightMediaUrl"], files={"file": (path.name, file, "video/mp4")}
        )
    assert answer.status_code == 200, answer.text
    assert answer.json()["videoId"] == video["videoId"]
    return str(video["videoId"])


def ingest(client: httpx.Client, video: str) -> dict[str, Any]:
    """Wait until a video is ingested and return its state."""
    return _until_done(
        client,
        f"/videos/v1/check-ingest-video-progress/{video}",
        "ingestionState",
        "ingestionStatus",
    )


def start_process(client: httpx.Client, video: str, body: dict[str, Any]) -> str:
    """Ask for an MP4 with H.264 and return the new video's id."""
    target = {"mediaContainerCodec": {"container": "mp4", "codec": "h264"}, **body}
    answer = client.post(f"/videos/v1/process-video/{video}", json=target)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["processedVideoId"])


def process(client: httpx.Client, video: str, body: dict[str, Any]) -> str:
    """Process a video, wait until it is done, and return the new video's id."""
    processed = start_process(client, video, body)
    finish(client, processed)
    return processed


def progress(client: httpx.Client, processed: str) -> dict[str, Any]:
    """How far a processing is."""
    answer = client.get(f"/videos/v1/check-process-video-progress/{processed}")
    assert answer.status_code == 200, answer.text
    state: dict[str, Any] = answer.json()["processingState"]
    return state


def finish(client: httpx.Client, processed: str) -> dict[str, Any]:
    """Wait until a processing is done and return its state."""
    return _until_done(
        client,
        f"/videos/v1/check-process-video-progress/{processed}",
        "processingState",
        "processingStatus",
    )


def _until_done(client: httpx.Client, url: str, state: str, status: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        answer = client.get(url)
        assert answer.status_code == 200, answer.text
        now: dict[str, Any] = answer.json()[state]
        assert now[status] != "ERROR", now
        return now if now[status] == "DONE" else None

    return wait_for(look, seconds=PATIENCE_SECONDS, what=f"{url} to say DONE") or {}


def download(client: httpx.Client, url: str, path: Path) -> Path:
    """Stream a file to disk."""
    with client.stream("GET", url) as response, path.open("wb") as file:
        assert response.status_code == 200, response.read()
        for chunk in response.iter_bytes():
            file.write(chunk)
    return path
