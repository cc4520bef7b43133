"""`video.convert` and `video.reverse` by REST: both versions' defaults, values, files, errors."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.media.measure import shown
from tests.media.oracles import ffprobe


def made(client: httpx.Client, version: str, secret: str, **task: Any) -> dict[str, Any]:
    """The status of a task that has ended."""
    body = {"secret": secret, "tasks": [task], "block": True}
    (status,) = client.post(f"/{version}/create", json=body, timeout=300).json()
    found: dict[str, Any] = status
    return found


def saved(address: str, folder: Path) -> tuple[str, Path]:
    """The type of the file at an address, and the file."""
    answer = httpx.get(address, timeout=60)
    path = folder / "made"
    path.write_bytes(answer.content)
    return answer.headers["content-type"], path


@pytest.mark.parametrize(("version", "rate"), [("v1", "48000"), ("v2", "44100")])
def test_convert(
    anyone: httpx.Client, secret: str, film: str, tmp_path: Path, version: str, rate: str
) -> None:
    status = made(anyone, version, secret, task_name="video.convert", url=film, width=160)
    assert status["status"] == "success", status
    result = dict(status["result"])
    kind, path = saved(result.pop("output"), tmp_path)
    assert result == {
        "content_type": "video/mp4",
        "width": 160,
        "height": 90,
        "original_width": 640,
        "original_height": 360,
        "duration": 6.0,
        "frame_rate": 24.0,
        "audio_codec": "aac",
        "video_codec": "h264",
        "alpha": False,
        "rotation": 0.0,
    }
    found = {each["codec_type"]: each for each in ffprobe(path)["streams"]}
    assert kind == "video/mp4"
    assert found["audio"]["sample_rate"] == rate
    assert (found["video"]["width"], found["video"]["height"]) == (160, 90)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_reverse(
    anyone: httpx.Client, secret: str, film: str, tmp_path: Path, version: str
) -> None:
    status = made(anyone, version, secret, task_name="video.reverse", url=film, width=160)
    assert status["status"] == "success", status
    assert status["result"].keys() == {"duration", "output"}
    assert status["result"]["duration"] == 6.0
    _, path = saved(status["result"]["output"], tmp_path)
    assert len(shown(path).times) == 144


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("video.convert", {"audio_codec": "opus", "sample_rate": 8000, "crf": 52, "width": 0}),
        ("video.reverse", {"audio_codec": "aac", "gop": 0, "video_codec": "hevc"}),
    ],
)
def test_wrong_parameters(
    anyone: httpx.Client, secret: str, film: str, kind: str, wrong: dict[str, Any]
) -> None:
    status = made(anyone, "v2", secret, task_name=kind, url=film, **wrong)
    assert status["status"] == "error"
    assert status["error"]["parameters"].keys() == wrong.keys()


def test_what_is_no_video_is_told_in_a_sentence(
    anyone: httpx.Client, secret: str, film: str
) -> None:
    picture = film.replace("big_buck_bunny.mp4", "bunny_sideways.jpg")
    for kind in ("video.convert", "video.reverse"):
        status = made(anyone, "v2", secret, task_name=kind, url=picture)
        assert status["status"] == "error"
        assert "picture, not a video" in str(status["error"])
