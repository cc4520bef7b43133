"""What is said of video files, beside ffprobe and by facts that are known."""

from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from services.media.engine import probe as probing
from services.media.engine.failure import BadMedia
from services.media.engine.probe import probe
from tests.media import oracles
from tests.media.filtering import ffmpeg
from tests.media.frames.running import numbered, run
from tests.media.material import COLLECTION, FILM, collection, make_sound, make_video, unheard
from vitascope.tasks.v2.specs_pb2 import VideoInfoSpec


def said(path: Path, scratch: Path) -> dict[str, Any]:
    """What video.info says of a file."""
    result = run(VideoInfoSpec(url="x"), path, scratch)
    assert result.outputs == ()
    values: dict[str, Any] = MessageToDict(result.message, preserving_proto_field_name=True)
    return values


def test_all_values(tmp_path: Path) -> None:
    assert said(FILM, tmp_path) == {
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


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("video/rot_90_tiny.mov", {"rotation": 270.0, "content_type": "video/quicktime"}),
        ("video/rot_180_tiny.mov", {"rotation": 180.0, "width": 568, "height": 320}),
        ("video/rot_270_tiny.mov", {"rotation": 90.0}),
        ("video/rotate_and_mirror_matrix.mp4", {"rotation": None, "content_type": "video/mp4"}),
        ("video/transparent_small.webm", {"alpha": True, "content_type": "video/webm"}),
        ("video_pro/qt_animation_argb_alpha.mov", {"alpha": True, "video_codec": "qtrle"}),
        ("video_pro/prores_422_lt.mov", {"alpha": False, "audio_codec": None}),
        ("video/pancake_h264.mkv", {"content_type": "video/x-matroska", "audio_codec": "opus"}),
        ("video/wmv2_wmav2.wmv", {"content_type": "video/x-ms-wmv", "audio_codec": "wmav2"}),
        ("video/mpeg4_amr.3gp", {"content_type": "video/3gpp", "audio_codec": "amr_nb"}),
        ("video/hevc_aac51.ts", {"content_type": "video/mp2t", "video_codec": "hevc"}),
        ("video/sheep_theora_5s.ogv", {"content_type": "video/ogg", "video_codec": "theora"}),
        ("video/mpeg4_mp3.avi", {"content_type": "video/x-msvideo", "video_codec": "mpeg4"}),
        ("video/h264_aac.flv", {"content_type": "video/x-flv"}),
        ("video_interlaced/d10_imx50_576i_tff.mxf", {"content_type": "application/mxf"}),
    ],
)
def test_facts_of_real_files(tmp_path: Path, name: str, facts: dict[str, Any]) -> None:
    if not COLLECTION.exists():
        pytest.skip("../shared/media is not there")
    values = said(COLLECTION / name, tmp_path)
    assert {key: values.get(key) for key in facts} == facts


def test_codecs_have_the_names_that_ffprobe_tells(tmp_path: Path) -> None:
    """Those of decoders may be others."""
    film = tmp_path / "film.flv"
    make_video(film, range(0, 400, 40), codec="flv")
    assert said(film, tmp_path)["video_codec"] == "flv1"


@pytest.mark.parametrize(
    "name",
    # ffprobe of Debian knows no VVC, and shows of a file with two videos the other one first.
    collection(
        "video/",
        without=(
            "video/eac3_audio_only.mp4",
            "video/vvc_h266.mp4",
            "video/nasa_two_video_streams.mp4",
        ),
    ),
)
def test_as_ffprobe_says(tmp_path: Path, name: str) -> None:
    path = COLLECTION / name
    streams = oracles.ffprobe(path)["streams"]
    video = next(each for each in streams if each["codec_type"] == "video")
    sound = next((each["codec_name"] for each in streams if each["codec_type"] == "audio"), None)
    values = said(path, tmp_path)
    assert (values["width"], values["height"]) == (video["width"], video["height"])
    assert (values["video_codec"], values.get("audio_codec")) == (video["codec_name"], sound)
    turned = [each["rotation"] for each in video.get("side_data_list", []) if "rotation" in each]
    if "mirror" not in name:
        assert values["rotation"] == (turned or [0])[0] % 360


@pytest.mark.parametrize("name", collection("video/", "video_pro/", "derived/"))
def test_an_index_says_what_the_packets_say(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = COLLECTION / name
    if path.suffix not in (".mp4", ".mov", ".3gp") or "audio_only" in name:
        pytest.skip("it has no index")
    by_index = probe(path, unheard)
    monkeypatch.setattr(probing, "indexed", lambda *_: None)
    assert probe(path, unheard) == by_index


def test_long_files_are_hardly_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with an index are not walked through; others are, and it is told how far."""
    film = numbered(tmp_path / "a.mp4", [40 * index for index in range(300)], group=25)
    monkeypatch.setattr(probing, "walked", lambda *_: pytest.fail("all of it was read"))
    assert probe(film, unheard).frames == 300
    monkeypatch.undo()
    ffmpeg("-i", film, "-c", "copy", tmp_path / "a.ts")
    told: list[float] = []
    assert probe(tmp_path / "a.ts", told.append).frames == 300
    assert len(set(told)) > 2


@pytest.mark.parametrize("lie", ["stsz", "stco"])
def test_an_index_that_points_nowhere_is_not_believed(
    tmp_path: Path, lie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = numbered(tmp_path / "a.mp4", [40 * index for index in range(100)], group=25)
    data = bytearray(film.read_bytes())
    box = data.index(lie.encode())
    # The last number of the table.
    size = int.from_bytes(data[box - 4 : box], "big")
    data[box - 4 + size - 4 : box - 4 + size] = b"\x7f\xff\xff\xff"
    film.write_bytes(data)
    by_index = _outcome(film)
    monkeypatch.setattr(probing, "indexed", lambda *_: None)
    assert _outcome(film) == by_index


def _outcome(path: Path) -> object:
    try:
        return probe(path, unheard)
    except BadMedia as error:
        return str(error)


def test_sound_alone_and_pictures_are_told(tmp_path: Path) -> None:
    make_sound(tmp_path / "a.m4a")
    with pytest.raises(BadMedia, match=r"^The file holds sound only, no video\.$"):
        said(tmp_path / "a.m4a", tmp_path)
    ffmpeg("-i", FILM, "-frames:v", "1", tmp_path / "a.png")
    with pytest.raises(BadMedia, match=r"^The file is a picture, not a video\.$"):
        said(tmp_path / "a.png", tmp_path)
