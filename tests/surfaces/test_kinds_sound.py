"""`audio.info`, `audio.convert` and `audio.waveform` as both versions offer them."""

from typing import Any

import httpx
import pytest

from tests.surfaces.conftest import ended

VERSIONS = pytest.mark.parametrize("version", ["v1", "v2"])


@VERSIONS
def test_info(anyone: httpx.Client, secret: str, film: str, version: str) -> None:
    status = ended(anyone, version, secret, "audio.info", url=film)
    assert status["status"] == "success", status
    found = status["result"]
    assert (found["codec"], found["content_type"]) == ("aac", "video/mp4")
    assert found["duration"] == pytest.approx(6, abs=0.1)


@VERSIONS
def test_convert_by_default_to_mp3(
    anyone: httpx.Client, secret: str, film: str, version: str
) -> None:
    status = ended(anyone, version, secret, "audio.convert", url=film)
    assert status["status"] == "success", status
    assert status["result"]["content_type"] == "audio/mpeg"
    file = httpx.get(status["result"]["output"])
    assert file.headers["content-type"] == "audio/mpeg"
    assert file.content.startswith((b"ID3", b"\xff\xfb"))


@VERSIONS
def test_waveform(anyone: httpx.Client, secret: str, film: str, version: str) -> None:
    status = ended(anyone, version, secret, "audio.waveform", url=film)
    assert status["status"] == "success", status
    found = status["result"]
    assert (found["width"], found["height"], found["content_type"]) == (1024, 60, "image/jpeg")
    assert httpx.get(found["output"]).content.startswith(b"\xff\xd8\xff")


def test_aac_and_force_are_of_version_2_alone(anyone: httpx.Client, secret: str, film: str) -> None:
    wanted = {"url": film, "codec": "aac"}
    made = ended(anyone, "v2", secret, "audio.convert", **wanted, force=True)
    assert made["result"]["content_type"] == "audio/mp4"
    refused = ended(anyone, "v1", secret, "audio.convert", **wanted, force=True)
    assert refused["status"] == "error"
    assert refused["result"]["parameters"].keys() == {"codec", "force"}


@VERSIONS
@pytest.mark.parametrize(
    "wrong", [{"fill": "red"}, {"width": 0}, {"format": "gif"}, {"start": 3, "end": 2}]
)
def test_wrong_parameters(
    anyone: httpx.Client, secret: str, film: str, version: str, wrong: dict[str, Any]
) -> None:
    status = ended(anyone, version, secret, "audio.waveform", url=film, **wrong)
    assert status["status"] == "error"
