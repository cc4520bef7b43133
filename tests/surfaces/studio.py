"""A user of the Videos endpoints, in a few short words."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.kit.waiting import wait_for

DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def answered(answer: httpx.Response) -> dict[str, Any]:
    """Check that the answer is good JSON and return it."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = answer.json()
    return body


def refused(answer: httpx.Response, status: int, exception: str) -> str:
    """Check an error's form and return its message."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body.keys() == {"exception", "errorMessage"}
    assert body["exception"] == exception
    return str(body["errorMessage"])


class Studio:
    """A client with the token of a user for a team. `url` is where the suite is."""

    def __init__(self, client: httpx.Client, url: str, user: str, team: str) -> None:
        self.client = client
        self.url = url
        self.user, self.team = user, team

    def get(self, path: str, **query: str | int) -> httpx.Response:
        return self.client.get(f"/videos/v1/{path}", params=query)

    def put(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        return self.client.put(f"/videos/v1/{path}", json=body)

    def post(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        return self.client.post(f"/videos/v1/{path}", json=body)

    def delete(self, path: str) -> httpx.Response:
        return self.client.delete(f"/videos/v1/{path}")

    def project(self, name: str = "Films") -> str:
        """Make a project and return its id."""
        return str(answered(self.put("project", {"name": name}))["project"]["id"])

    def video(self, **body: str) -> str:
        """Make a video and return its id."""
        return str(answered(self.put("video", body))["videoId"])

    def ingested(self, path: Path, **body: str) -> str:
        """Make a video of a file, have it ingested lightly, and return its id."""
        video = self.video(**body)
        answered(self.upload(video, path, light=True))
        self.ended(video)
        return video

    def upload(self, video: str, path: Path, *, light: bool = False) -> httpx.Response:
        """Upload a file."""
        address = f"/media/v1/upload/{'light/' if light else ''}{video}"
        with path.open("rb") as file:
            return self.client.post(address, files={"file": (path.name, file, "video/mp4")})

    def download(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        """Ask for a file; `_` in the names of headers is `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request(method, f"/media/v1/download/{path}", headers=named)

    def link(self, video: str, file: str) -> httpx.Response:
        """Ask for a link to a file."""
        return self.client.post(f"/media/v1/link/{video}", json={"file": file})

    def processed(self, original: str, body: Mapping[str, Any]) -> str:
        """Have a video processed and return the id of the new one."""
        made = str(answered(self.post(f"process-video/{original}", body))["processedVideoId"])

        def look() -> bool:
            found = answered(self.get(f"check-process-video-progress/{made}"))
            state = found["processingState"]
            assert state["processingStatus"] != "ERROR", state
            return bool(state["processingStatus"] == "DONE")

        wait_for(look, seconds=90, what="the processing")
        return made

    def ended(self, video: str) -> dict[str, Any]:
        """Wait until an ingestion has ended and return its state."""

        def look() -> dict[str, Any] | None:
            found = answered(self.get(f"check-ingest-video-progress/{video}"))
            state: dict[str, Any] = found["ingestionState"]
            return state if state["ingestionStatus"] in ("DONE", "ERROR") else None

        state = wait_for(look, seconds=90, what=f"the ingestion of {video}")
        assert state is not None
        return state
