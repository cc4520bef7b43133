"""What `process-video` decided and reported is what comes out."""

from typing import Any

import httpx
import pytest

from tests.flows.walk import ingest, process, upload
from tests.kit.clips import FILM

SECOND = {"range": {"startPositionMilliseconds": 500, "endPositionMilliseconds": 1500}}
FFMPEG_NAMES = {"mpeg2": "mpeg2video", "xdcam": "mpeg2video"}


@pytest.fixture(scope="module")
def film(client: httpx.Client) -> str:
    video = upload(client, FILM)
    ingest(client, video)
    return video


def packed(container: str, codec: str) -> dict[str, Any]:
    return {"mediaContainerCodec": {"container": container, "codec": codec}}


@pytest.mark.parametrize(
    "body",
    [
        packed("mov", "prores") | {"appleProresProfile": "hq"},
        packed("mov", "dnxhd") | {"dnxhdHrProfile": "dnxhd_sq"},
        packed("mxf", "dnxhd") | {"dnxhdHrProfile": "dnxhr_hqx"},
        packed("mxf", "xdcam"),
        packed("mp4", "hevc") | {"chromaSubsampling": {"yuv": "4:2:2", "bits": 10}},
        packed("mts", "mpeg2") | {"frameRate": {"tag": "video_ntsc"}},
        packed("mov", "ffv1") | {"chromaSubsampling": {"yuv": "4:1:1", "bits": 8}},
        packed("mp4", "h264") | {"scanning": {"tag": "interlaced_tff"}},
        packed("mov", "mpeg2")
        | {
            "scanning": {"tag": "interlaced_bff"},
            "frameRate": {"fps": 59.94},
            "frameRateConverter": "mcinterpolate",
        },
        packed("mxf", "h264")
        | {
            "denoiser": "hqdn3d",
            "resolution": {"width": 320, "height": 240},
            "frameRate": {"tag": "video_hd_fast"},
            "frameRateConverter": "fblend",
        },
    ],
    ids=lambda body: "-".join(body["mediaContainerCodec"].values()),
)
def test_a_second_of_film(client: httpx.Client, film: str, body: dict[str, Any]) -> None:
    processed = process(client, film, body | SECOND)
    video = client.get(f"/videos/v1/video/{processed}").json()["video"]
    target = video["processing"]["processingParameters"]["targetVideo"]
    made = video["ingestion"]["metadata"]
    codec = target["codec"]["name"]
    assert made["codecName"] == FFMPEG_NAMES.get(codec, codec)
    assert made["pixelFormat"] == target["pixelFormat"]
    for side in ("frameWidth", "frameHeight"):
        assert made[side] == target[side]
    assert made["averageFramerate"] == pytest.approx(target["averageFramerate"], abs=0.01)
    assert made["totalFrames"] == round(target["averageFramerate"])
    assert made["displayAspectRatio"] == pytest.approx(16 / 9, abs=0.01)
    if target["scanning"]["scanningType"] == "interlaced":
        assert made["scanning"]["metadata"] == target["scanning"]
