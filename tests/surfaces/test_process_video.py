"""Every field and value of `process-video`, by REST: what is decided, and what is refused.

What the conversions make of pictures is the engine's to show; these are called off at once.
"""

from fractions import Fraction
from typing import Any

import av
import pytest
from av.video.stream import VideoStream

from tests.kit.clips import FILM, decode
from tests.surfaces.studio import Studio, answered, refused

CODECS_OF = {
    "mov": ("h264", "prores", "dnxhd", "hevc", "mpeg2", "ffv1"),
    "mxf": ("h264", "xdcam", "mpeg2", "dnxhd"),
    "mp4": ("h264", "hevc"),
    "mts": ("h264", "hevc", "mpeg2"),
}
CODECS = ("h264", "prores", "dnxhd", "xdcam", "hevc", "mpeg2", "ffv1")
PROFILES = {
    "prores": {"appleProresProfile": "standard"},
    "dnxhd": {"dnxhdHrProfile": "dnxhr_sq"},
}
PROGRESSIVE = {"scanningType": "progressive"}
TOP = {"scanningType": "interlaced", "interlacedFieldOrder": "top_first"}
BOTTOM = {"scanningType": "interlaced", "interlacedFieldOrder": "bottom_first"}


@pytest.fixture(scope="module")
def film(studio: Studio) -> str:
    """A progressive original of 4:2:0 with 8 bits."""
    return studio.ingested(FILM)


@pytest.fixture(scope="module")
def fields(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interlaced original, bottom field first, of 50 fields a second."""
    path = tmp_path_factory.mktemp("fields") / "fields.ts"
    with av.open(str(path), "w", format="mpegts") as container:
        stream = container.add_stream("mpeg2video", rate=Fraction(25))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.codec_context.options = {"flags": "+ildct+ilme"}
        for number in range(10):
            frame = av.VideoFrame(320, 240, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([number]) * plane.buffer_size)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return studio.ingested(path)


def decided(studio: Studio, video: str, body: dict[str, Any]) -> dict[str, Any]:
    """Ask for a processing; return its documented parameters and call it off."""
    answer = answered(studio.post(f"process-video/{video}", body))
    made = answer["processedVideoId"]
    assert answer == {
        "sourceVideoId": video,
        "processedVideoId": made,
        "checkProgressUrl": f"{studio.url}/videos/v1/check-process-video-progress/{made}",
        "downloadMediaUrl": f"{studio.url}/media/v1/download/processed/{made}",
    }
    details = answered(studio.get(f"video/{made}"))["video"]
    answered(studio.delete(f"video/{made}"))
    parameters: dict[str, Any] = details["processing"]["processingParameters"]
    return parameters


def target_of(studio: Studio, video: str, body: dict[str, Any]) -> dict[str, Any]:
    target: dict[str, Any] = decided(studio, video, body)["targetVideo"]
    return target


def names(target: dict[str, Any]) -> list[str]:
    return [each["name"] for each in target["videoFilters"]]


def packed(container: str | None = None, codec: str | None = None) -> dict[str, Any]:
    pair = {"container": container, "codec": codec}
    return {"mediaContainerCodec": {key: value for key, value in pair.items() if value}}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("container", CODECS_OF)
def test_containers_and_codecs(studio: Studio, film: str, container: str, codec: str) -> None:
    body = packed(container, codec) | PROFILES.get(codec, {})
    if codec in CODECS_OF[container]:
        target = target_of(studio, film, body)
        assert (target["container"]["name"], target["codec"]["name"]) == (container, codec)
    else:
        answer = studio.post(f"process-video/{film}", body)
        message = refused(answer, 400, "BadRequestException")
        assert "mediaContainerCodec.codec" in message
        assert f"takes {', '.join(CODECS_OF[container])}" in message


@pytest.mark.parametrize(
    ("profile", "pixels"),
    [
        *((name, "yuv422p10le") for name in ("proxy", "lt", "standard", "hq")),
        *((name, "yuv444p10le") for name in ("4444", "4444xq")),
    ],
)
def test_profiles_of_prores(studio: Studio, film: str, profile: str, pixels: str) -> None:
    target = target_of(studio, film, packed("mov", "prores") | {"appleProresProfile": profile})
    assert target["codec"] == {"name": "prores", "properties": {"profile": profile}}
    assert target["pixelFormat"]["name"] == pixels
    assert "bitrate" not in target


@pytest.mark.parametrize(
    ("profile", "pixels", "size"),
    [
        ("dnxhd_lb", "yuv422p", (1920, 1080)),
        ("dnxhd_sq", "yuv422p", (1280, 720)),
        ("dnxhd_hq", "yuv422p", (1280, 720)),
        ("dnxhd_hqx", "yuv422p10le", (1280, 720)),
        ("dnxhd_444", "yuv444p10le", (1920, 1080)),
        ("dnxhr_lb", "yuv422p", None),
        ("dnxhr_sq", "yuv422p", None),
        ("dnxhr_hq", "yuv422p", None),
        ("dnxhr_hqx", "yuv422p10le", None),
        ("dnxhr_444", "yuv444p10le", None),
    ],
)
@pytest.mark.parametrize("container", ["mov", "mxf"])
def test_profiles_of_dnxhd(
    studio: Studio,
    film: str,
    container: str,
    profile: str,
    pixels: str,
    size: tuple[int, int] | None,
) -> None:
    target = target_of(studio, film, packed(container, "dnxhd") | {"dnxhdHrProfile": profile})
    assert target["codec"] == {"name": "dnxhd", "properties": {"profile": profile}}
    assert target["pixelFormat"]["name"] == pixels
    facts = decode(FILM)
    expected = size or (facts.width, facts.height)
    assert (target["frameWidth"], target["frameHeight"]) == expected
    assert target["bitrate"] > 1_000_000


def test_xdcam(studio: Studio, film: str) -> None:
    target = target_of(studio, film, packed(codec="xdcam"))
    assert target["container"] == {"name": "mxf", "properties": {}}
    assert target["pixelFormat"]["name"] == "yuv422p"
    assert (target["frameWidth"], target["frameHeight"]) == (1920, 1080)
    assert target["bitrate"] == 50_000_000


@pytest.mark.parametrize(
    ("codec", "yuv", "bits"),
    [
        *(("ffv1", yuv, 8) for yuv in ("4:1:0", "4:1:1", "4:2:0", "4:2:2", "4:4:0", "4:4:4")),
        *(("ffv1", "4:4:0", bits) for bits in (10, 12)),
        *(("ffv1", yuv, bits) for yuv in ("4:2:0", "4:2:2", "4:4:4") for bits in (10, 12, 14, 16)),
        *(("h264", yuv, bits) for yuv in ("4:2:0", "4:2:2", "4:4:4") for bits in (8, 10)),
        *(("hevc", yuv, bits) for yuv in ("4:2:0", "4:2:2", "4:4:4") for bits in (8, 10, 12)),
        *(("mpeg2", yuv, 8) for yuv in ("4:2:0", "4:2:2")),
    ],
)
def test_subsamplings_and_depths(
    studio: Studio, film: str, codec: str, yuv: str, bits: int
) -> None:
    body = packed("mov", codec) | {"chromaSubsampling": {"yuv": yuv, "bits": bits}}
    name = f"yuv{yuv.replace(':', '')}p" + (f"{bits}le" if bits > 8 else "")
    assert target_of(studio, film, body)["pixelFormat"] == {
        "name": name,
        "chromaSubsampling": {"yuv": yuv, "bits": bits},
    }


@pytest.mark.parametrize(("tag", "factor"), [("2x", 2), ("3x", 3), ("4X", 4), ("no_scaling", 1)])
def test_factors(studio: Studio, film: str, tag: str, factor: int) -> None:
    facts = decode(FILM)
    target = target_of(studio, film, {"resolution": {"tag": tag}, "scaler": "scale"})
    size = (target["frameWidth"], target["frameHeight"])
    assert size == (facts.width * factor, facts.height * factor)
    assert names(target) == ([] if factor == 1 else ["scale"])


@pytest.mark.parametrize(
    ("resolution", "size"),
    [
        ({"tag": "hd_1080p"}, (1920, 1080)),
        ({"tag": "UHD_4K"}, (3840, 2160)),
        ({"tag": "uhd_8k"}, (7680, 4320)),
        ({"width": 300, "height": 200}, (300, 200)),
        ({"width": 16, "height": 4320}, (16, 4320)),
        ({"width": 641, "aspectRatioTag": "4:3"}, (642, 480)),
        ({"height": 480, "aspectRatioTag": "16:9"}, (854, 480)),
        ({"height": 240, "aspectRatioTag": "storage"}, (None, 240)),
        ({"height": 240, "aspectRatioTag": "display"}, (None, 240)),
    ],
)
def test_resolutions(
    studio: Studio, film: str, resolution: dict[str, Any], size: tuple[int | None, int]
) -> None:
    facts = decode(FILM)
    target = target_of(studio, film, {"resolution": resolution})
    found = (target["frameWidth"], target["frameHeight"])
    if "tag" in resolution:
        # A box: the picture fills it in one direction and keeps its shape.
        assert found[0] == size[0] or found[1] == size[1]
        assert found[0] / found[1] == pytest.approx(facts.width / facts.height, rel=0.01)
    elif size[0] is None:
        assert found == (2 * round(240 * facts.width / facts.height / 2), 240)
    else:
        assert found == size
    scale = {"name": "scale", "properties": {"width": found[0], "height": found[1]}}
    assert target["videoFilters"] == [scale]


@pytest.mark.parametrize(
    ("scanning", "source", "expected", "filters"),
    [
        (None, "film", PROGRESSIVE, []),
        ({"tag": "auto"}, "film", PROGRESSIVE, []),
        ({"tag": "progressive"}, "film", PROGRESSIVE, []),
        ({"tag": "interlaced_tff"}, "film", TOP, []),
        ({"tag": "INTERLACED_BFF"}, "film", BOTTOM, []),
        ({"scanningType": "progressive"}, "film", PROGRESSIVE, []),
        ({"scanningType": "interlaced", "interlacedFieldOrder": "top_field"}, "film", TOP, []),
        (
            {"scanningType": "interlaced", "interlacedFieldOrder": "bottom_first"},
            "film",
            BOTTOM,
            [],
        ),
        (None, "fields", BOTTOM, []),
        ({"tag": "auto"}, "fields", BOTTOM, []),
        ({"tag": "interlaced_tff"}, "fields", TOP, []),
        ({"tag": "progressive"}, "fields", PROGRESSIVE, ["yadif"]),
    ],
)
def test_scanning(
    studio: Studio,
    request: pytest.FixtureRequest,
    scanning: dict[str, str] | None,
    source: str,
    expected: dict[str, str],
    filters: list[str],
) -> None:
    video = request.getfixturevalue(source)
    body = packed("mp4", "h264") | ({"scanning": scanning} if scanning else {})
    target = target_of(studio, video, body)
    assert target["scanning"] == expected
    assert names(target) == filters
    if source == "film":
        rate = 1 / decode(FILM).frame_seconds
        halved = rate / 2 if expected["scanningType"] == "interlaced" else rate
        assert target["averageFramerate"] == pytest.approx(halved, abs=0.01)


@pytest.mark.parametrize(("name", "rate"), [("yadif", 25), ("bwdif", 50), ("Weston3F", 50)])
def test_deinterlacers(studio: Studio, fields: str, name: str, rate: int) -> None:
    target = target_of(studio, fields, packed("mp4", "h264") | {"deinterlacer": name})
    properties = {"interlacedFieldOrder": "bottom_first"}
    assert target["videoFilters"] == [{"name": name.lower(), "properties": properties}]
    assert target["scanning"] == PROGRESSIVE
    assert target["averageFramerate"] == rate


def test_filters_are_listed_in_the_order_in_which_they_run(studio: Studio, fields: str) -> None:
    body = packed("mp4", "h264") | {
        "frameRateConverter": "mcinterpolate",
        "frameRate": {"tag": "video_hd_fast"},
        "scaler": "scale",
        "resolution": {"tag": "2x"},
        "denoiser": "hqdn3d",
        "deinterlacer": "bwdif",
        "clarityBoost": "none",
    }
    target = target_of(studio, fields, body)
    assert target["videoFilters"] == [
        {"name": "bwdif", "properties": {"interlacedFieldOrder": "bottom_first"}},
        {"name": "hqdn3d", "properties": {}},
        {"name": "scale", "properties": {"width": 640, "height": 480}},
        {"name": "mcinterpolate", "properties": {"fps": 60.0}},
    ]
    assert target["averageFramerate"] == 60


@pytest.mark.parametrize(
    ("tag", "rate"),
    [
        ("film_ntsc", 24000 / 1001),
        ("film", 24),
        ("video_pal", 25),
        ("video_ntsc", 30000 / 1001),
        ("video_hd", 30),
        ("video_pal_fast", 50),
        ("video_ntsc_fast", 60000 / 1001),
        ("video_hd_fast", 60),
        ("video_uhd_fast", 120),
    ],
)
def test_frame_rate_tags(studio: Studio, film: str, tag: str, rate: float) -> None:
    target = target_of(studio, film, {"frameRate": {"tag": tag}})
    assert target["averageFramerate"] == rate
    assert target["videoFilters"] == [{"name": "fps", "properties": {"fps": rate}}]


@pytest.mark.parametrize("converter", ["fps", "fblend", "MCinterpolate"])
@pytest.mark.parametrize(
    ("fps", "rate"), [(0.001, 0.001), (23.976, 24000 / 1001), (24.5, 24.5), (999, 999)]
)
def test_frame_rates(studio: Studio, film: str, converter: str, fps: float, rate: float) -> None:
    body = {"frameRate": {"fps": fps}, "frameRateConverter": converter}
    target = target_of(studio, film, body)
    assert target["averageFramerate"] == rate
    assert names(target) == [converter.lower()]


@pytest.mark.parametrize(
    ("mbps", "bitrate"), [(0.01, 10_000), (20.5, 20_500_000), (4000, 4_000_000_000)]
)
def test_bit_rates(studio: Studio, film: str, mbps: float, bitrate: int) -> None:
    assert target_of(studio, film, {"bitrate": {"mbps": mbps}})["bitrate"] == bitrate


@pytest.mark.parametrize(
    "stretch",
    [
        {"startPositionMilliseconds": 0, "endPositionMilliseconds": 1000},
        {"startPositionMilliseconds": 500},
        {"endPositionMilliseconds": 500},
    ],
)
def test_stretches_are_reported_as_they_were_asked(
    studio: Studio, film: str, stretch: dict[str, int]
) -> None:
    assert decided(studio, film, {"range": stretch})["sourceVideo"] == stretch


@pytest.mark.parametrize("clarity", ["none", "NONE", "0", 0, None])
def test_no_clarity_boost(studio: Studio, film: str, clarity: Any) -> None:
    assert names(target_of(studio, film, {"clarityBoost": clarity})) == []


@pytest.mark.parametrize(
    ("body", "field", "available"),
    [
        ({"deinterlacer": "deint"}, "deinterlacer", "yadif, bwdif, weston3f"),
        ({"denoiser": "denoise"}, "denoiser", "hqdn3d"),
        ({"stabilizer": "dejit"}, "stabilizer", ""),
        ({"scaler": "pabsr1"}, "scaler", "scale"),
        ({"scaler": "dvres"}, "scaler", "scale"),
        ({"scaler": "dvres2"}, "scaler", "scale"),
        *(
            ({"clarityBoost": level}, "clarityBoost", "none, 0")
            for level in (
                *("marginal", "very_low", "low", "medium", "high", "very_high"),
                *range(1, 7),
            )
        ),
        ({"frameRateConverter": "vfi"}, "frameRateConverter", "fps, fblend, mcinterpolate"),
        ({"postProcessor": "filmgrain"}, "postProcessor", ""),
    ],
)
def test_what_does_not_run_yet_says_so(
    studio: Studio, film: str, body: dict[str, Any], field: str, available: str
) -> None:
    message = refused(studio.post(f"process-video/{film}", body), 400, "BadRequestException")
    assert message.startswith(f"{field}: ")
    assert "is not available yet" in message
    assert available in message


TWO_TAGS = {"scanning": {"tag": "auto", "scanningType": "progressive"}}


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        (packed("avi"), "mediaContainerCodec.container", "mov, mxf, mp4, mts"),
        (packed(codec="vp9"), "mediaContainerCodec.codec", "h264, prores, dnxhd, xdcam"),
        (packed(codec="prores"), "appleProresProfile", "proxy, lt, standard, hq, 4444, 4444xq"),
        ({"appleProresProfile": "max"}, "appleProresProfile", "proxy, lt, standard"),
        (packed(codec="dnxhd"), "dnxhdHrProfile", "dnxhd_lb"),
        ({"dnxhdHrProfile": "sq"}, "dnxhdHrProfile", "dnxhr_444"),
        (packed("mp4", "h264") | {"appleProresProfile": "lt"}, "appleProresProfile", "only for"),
        ({"scanning": {"tag": "tff"}}, "scanning.tag", "interlaced_tff, interlaced_bff"),
        ({"scanning": {"scanningType": "psf"}}, "scanning.scanningType", "progressive, interlaced"),
        (
            {"scanning": {"scanningType": "interlaced"}},
            "scanning.interlacedFieldOrder",
            "top_field or bottom_field",
        ),
        (
            {"scanning": {"interlacedFieldOrder": "top_field"}},
            "scanning.interlacedFieldOrder",
            "only for scanningType interlaced",
        ),
        (TWO_TAGS, "scanning", "not both"),
        (
            packed("mp4", "hevc") | {"scanning": {"tag": "interlaced_tff"}},
            "scanning",
            "interlaced are h264, prores, dnxhd, xdcam, mpeg2, ffv1",
        ),
        ({"chromaSubsampling": {"yuv": "4:2:1"}}, "chromaSubsampling.yuv", "4:1:0, 4:1:1"),
        ({"chromaSubsampling": {"bits": 9}}, "chromaSubsampling.bits", "8, 10, 12, 14, 16"),
        ({"chromaSubsampling": {"yuv": "4:1:1"}}, "chromaSubsampling.yuv", "h264 has 4:2:0, 4:2:2"),
        ({"chromaSubsampling": {"bits": 12}}, "chromaSubsampling.bits", "4:2:0 has 8, 10 bits"),
        ({"bitrate": {"mbps": 0.009}}, "bitrate.mbps", "between 0.01 and 4000"),
        ({"bitrate": {"mbps": 4000.5}}, "bitrate.mbps", "between 0.01 and 4000"),
        ({"bitrate": {"mbps": "fast"}}, "bitrate.mbps", ""),
        (packed("mov", "ffv1") | {"bitrate": {"mbps": 9}}, "bitrate.mbps", "the content decides"),
        ({"appleProresProfile": "hq", "bitrate": {"mbps": 9}}, "bitrate.mbps", "profile decides"),
        (packed(codec="xdcam") | {"bitrate": {"mbps": 35}}, "bitrate.mbps", "xdcam has 50"),
        ({"deinterlacer": "nnedi"}, "deinterlacer", "deint, yadif, bwdif, weston3f"),
        ({"denoiser": "bm3d"}, "denoiser", "denoise, hqdn3d"),
        ({"stabilizer": "deshake"}, "stabilizer", "dejit"),
        ({"scaler": "lanczos"}, "scaler", "pabsr1, dvres, dvres2, scale"),
        ({"clarityBoost": "7"}, "clarityBoost", "none, marginal"),
        ({"clarityBoost": True}, "clarityBoost", "none, marginal"),
        ({"frameRateConverter": "dup"}, "frameRateConverter", "fps, fblend, mcinterpolate"),
        ({"frameRateConverter": "fblend"}, "frameRate", "must be given"),
        ({"frameRate": {"tag": "secam"}}, "frameRate.tag", "film_ntsc, film"),
        ({"frameRate": {"fps": 0}}, "frameRate.fps", "between 0.001 and 999"),
        ({"frameRate": {"fps": 1000}}, "frameRate.fps", "between 0.001 and 999"),
        ({"frameRate": {"fps": 24, "tag": "film"}}, "frameRate", "not both"),
        (packed("mxf") | {"frameRate": {"fps": 15}}, "frameRate", "mxf has 23.976, 24, 25"),
        ({"postProcessor": "noise"}, "postProcessor", "filmgrain"),
        ({"resolution": {}}, "resolution", "needs a tag, a width or a height"),
        ({"resolution": {"tag": "hd_720p"}}, "resolution.tag", "hd_1080p, uhd_4k, uhd_8k"),
        ({"resolution": {"tag": "2x", "width": 640}}, "resolution", "not both"),
        ({"resolution": {"width": 15}}, "resolution.width", "between 16 and 7680"),
        ({"resolution": {"width": 7681}}, "resolution.width", "between 16 and 7680"),
        ({"resolution": {"height": 15}}, "resolution.height", "between 16 and 4320"),
        ({"resolution": {"height": 4321}}, "resolution.height", "between 16 and 4320"),
        ({"resolution": {"aspectRatioTag": "4:3"}}, "resolution", "needs a tag, a width"),
        (
            {"resolution": {"width": 640, "height": 480, "aspectRatioTag": "4:3"}},
            "resolution.aspectRatioTag",
            "both width and height",
        ),
        (
            {"resolution": {"width": 640, "aspectRatioTag": "5:4"}},
            "resolution.aspectRatioTag",
            "display, storage, 16:9, 4:3",
        ),
        (
            packed(codec="xdcam") | {"resolution": {"width": 1280, "height": 720}},
            "resolution",
            "xdcam has 1920x1080",
        ),
        (
            packed("mov", "mpeg2") | {"resolution": {"tag": "uhd_4k"}},
            "resolution",
            "to 1920x1152",
        ),
        ({"range": {"startPositionMilliseconds": -1}}, "range.startPositionMilliseconds", "0 and"),
        ({"range": {"endPositionMilliseconds": 10**9}}, "range.endPositionMilliseconds", "0 and"),
        (
            {"range": {"startPositionMilliseconds": 900, "endPositionMilliseconds": 900}},
            "range",
            "end after it starts",
        ),
        ({"watermark": "x"}, "watermark", ""),
        ({"resolution": {"depth": 3}}, "depth", ""),
        ({"range": []}, "range", ""),
    ],
)
def test_what_cannot_be_names_the_field_and_what_can(
    studio: Studio, film: str, body: dict[str, Any], field: str, said: str
) -> None:
    message = refused(studio.post(f"process-video/{film}", body), 400, "BadRequestException")
    assert field in message
    assert said in message


def test_the_documents_example_names_everything_that_cannot_run(studio: Studio, film: str) -> None:
    body = {
        "mediaContainerCodec": {"container": "mov", "codec": "h264"},
        "appleProresProfile": "standard",
        "dnxhdHrProfile": "dnxhd_sq",
        "scanning": {
            "tag": "interlaced_tff",
            "scanningType": "interlaced",
            "interlacedFieldOrder": "top_field",
        },
        "chromaSubsampling": {"yuv": "4:2:2", "bits": 8},
        "bitrate": {"mbps": 20.5},
        "deinterlacer": "deint",
        "denoiser": "denoise",
        "stabilizer": "dejit",
        "scaler": "pabsr1",
        "resolution": {"tag": "hd_1080p", "width": 1920, "height": 1080, "aspectRatioTag": "16:9"},
        "clarityBoost": "low",
        "frameRateConverter": "fblend",
        "frameRate": {"tag": "film", "fps": 24.0},
        "postProcessor": "filmgrain",
        "range": {"startPositionMilliseconds": 0, "endPositionMilliseconds": 30000},
    }
    message = refused(studio.post(f"process-video/{film}", body), 400, "BadRequestException")
    for field in (
        *("appleProresProfile", "dnxhdHrProfile", "scanning", "deinterlacer", "denoiser"),
        *("stabilizer", "scaler", "resolution", "clarityBoost", "frameRate", "postProcessor"),
        "range.endPositionMilliseconds",
    ):
        assert f"{field}: " in message
    for field in ("mediaContainerCodec", "chromaSubsampling", "bitrate", "frameRateConverter"):
        assert field not in message


def test_a_video_is_not_processed_before_its_ingestion_is_done(studio: Studio) -> None:
    answer = studio.post(f"process-video/{studio.video()}", {})
    refused(answer, 409, "VideoNotIngestedException")


def test_a_project_is_named_in_the_answer(studio: Studio) -> None:
    project = studio.project()
    film = studio.ingested(FILM, projectId=project)
    answer = answered(studio.post(f"process-video/{film}", {}))
    assert answer["projectId"] == project
    answered(studio.delete(f"video/{film}"))
