"""`video.info`, `video.thumb` and `video.strip` as both versions offer them."""

from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.surfaces.conftest import ended

VERSIONS = pytest.mark.parametrize("version", ["v1", "v2"])


def result(status: Any) -> Any:
    """The result of a task that must have succeeded."""
    assert status["status"] == "success", status
    return status["result"]


@VERSIONS
def test_info(anyone: httpx.Client, secret: str, film: str, version: str) -> None:
    assert result(ended(anyone, version, secret, "video.info", url=film)) == {
        "content_type": "video/mp4",
        "width": 640,
        "height": 360,
        "duration": 6.0,
        "frame_rate": 24.0,
        "alpha": False,
        "rotation": 0.0,
        "audio_codec": "aac",
        "video_codec": "h264",
    }


@VERSIONS
@pytest.mark.parametrize(
    ("kind", "size", "more"),
    [
        ("video.thumb", (640, 360), {}),
        ("video.strip", (6400, 360), {"count": 10, "frame_rate": 24.0}),
    ],
)
def test_pictures_by_default(
    anyone: httpx.Client,
    secret: str,
    film: str,
    version: str,
    kind: str,
    size: tuple[int, int],
    more: dict[str, Any],
) -> None:
    found = result(ended(anyone, version, secret, kind, url=film))
    file = httpx.get(found.pop("output"))
    assert found == {
        "width": size[0],
        "height": size[1],
        "original_width": 640,
        "original_height": 360,
        "duration": 6.0,
        "content_type": "image/jpeg",
        **more,
    }
    assert file.headers["content-type"] == "image/jpeg"
    with Image.open(BytesIO(file.content)) as image:
        assert (image.format, image.size) == ("JPEG", size)


@VERSIONS
@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("video.thumb", {"time": -1}),
        ("video.thumb", {"format": "gif"}),
        ("video.thumb", {"width": 0}),
        ("video.strip", {"count": 0}),
        ("video.strip", {"start": 3, "end": 2}),
        ("video.info", {"width": 3}),
    ],
)
def test_wrong_parameters(
    anyone: httpx.Client, secret: str, film: str, version: str, kind: str, wrong: dict[str, Any]
) -> None:
    assert ended(anyone, version, secret, kind, url=film, **wrong)["status"] == "error"


def test_quality_is_of_version_2_alone(anyone: httpx.Client, secret: str, film: str) -> None:
    wanted = {"url": film, "quality": 1}
    assert ended(anyone, "v2", secret, "video.thumb", **wanted)["status"] == "success"
    refused = ended(anyone, "v1", secret, "video.thumb", **wanted)
    assert refused["result"]["parameters"].keys() == {"quality"}
