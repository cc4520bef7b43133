"""Tasks through the whole suite: create, status, output files."""

import io

import httpx
import pytest
from PIL import Image

from tests.kit.suite import Suite
from tests.kit.waiting import wait_for

PICTURE = "bunny_sideways.jpg"


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_batch_runs_and_its_file_can_be_fetched(
    suite: Suite, secret: str, pictures: str, version: str
) -> None:
    url = f"{pictures}/{PICTURE}"
    tasks = [
        {"task_name": "image.info", "url": url},
        {"task_name": "image.thumb", "url": url, "width": 120, "height": 80, "crop": True},
        {"task_name": "image.thumb"},
    ]
    with httpx.Client(base_url=suite.url, timeout=60) as client:
        answer = client.post(
            f"{suite.url}//{version}/create", json={"secret": secret, "tasks": tasks, "block": True}
        )
        assert answer.status_code == 200, answer.text
        info, thumb, wrong = answer.json()
        assert info["status"] == thumb["status"] == "success"
        with Image.open(io.BytesIO(httpx.get(url).content)) as original:
            assert (info["result"]["width"], info["result"]["height"]) == original.size
            assert info["result"]["content_type"] == "image/jpeg"
        output = client.get(thumb["result"]["output"])
        # Files of v1 end after a week, some moments of which are over.
        seconds = int(output.headers["cache-control"].removeprefix("max-age="))
        assert seconds == 604800 if version == "v2" else 604500 < seconds <= 604800
        with Image.open(io.BytesIO(output.content)) as made:
            assert made.size == (120, 80)
        problem = {"parameters": {"url": ["this field is required"]}}
        assert wrong["status"] == "error"
        assert wrong["error" if version == "v2" else "result"] == problem
        keys = [task["key"] for task in (info, thumb, wrong)]
        again = client.get(f"/{version}/status", params={"tasks": keys}).json()
        assert again == [info, thumb, wrong]


def test_a_single_task_is_followed_by_status(suite: Suite, secret: str, pictures: str) -> None:
    with httpx.Client(base_url=suite.url, timeout=60) as client:
        headers = {"Authorization": f"SECRET {secret}", "Content-Type": "text/plain"}
        body = f'{{"tasks": {{"task_name": "image.info", "url": "{pictures}/{PICTURE}"}}}}'
        [queued] = client.post("/v2/create", content=body, headers=headers).json()
        assert queued["status"] in ("queued", "executing")

        def ended() -> bool:
            [status] = client.post("/v2/status", json={"tasks": queued["key"]}).json()
            return bool(status["status"] == "success")

        wait_for(ended, seconds=30, what="the task to succeed")


def test_a_source_that_is_no_picture_is_an_error_with_a_reason(
    suite: Suite, secret: str, pictures: str
) -> None:
    task = {"task_name": "image.info", "url": f"{pictures}/LICENCES.md"}
    with httpx.Client(base_url=suite.url, timeout=60) as client:
        body = {"secret": secret, "tasks": task, "block": True}
        [status] = client.post("/v2/create", json=body).json()
    assert status["status"] == "error"
    assert isinstance(status["error"], str)
    assert "not a picture" in status["error"]
