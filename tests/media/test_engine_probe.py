"""Facts of video files: against decoding, against FFmpeg's program, and for files that are none."""

import re
import subprocess
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg  # type: ignore[import-untyped]
import pytest

from services.media.engine.failure import BadMedia
from services.media.engine.kinds import ENCRYPTED, PICTURE, PLAYLIST, SOUND, TEXT
from services.media.engine.pixels import Pixels, describe
from services.media.engine.probe import VideoFacts, probe
from services.media.engine.reading import FORMATS
from tests.media import oracles
from tests.media.filtering import ffmpeg
from tests.media.material import (
    COLLECTION,
    FILM,
    MOVING,
    SIDEWAYS,
    collection,
    make_sound,
    make_video,
    unheard,
)
from tests.media.measure import shown

FILMS = collection("video", "derived", without=("video/eac3_audio_only.mp4",))


def test_film() -> None:
    progress: list[float] = []

    facts = probe(FILM, progress.append)

    assert facts == VideoFacts(
        container_name="mov,mp4,m4a,3gp,3g2,mj2",
        long_container_name="QuickTime / MOV",
        codec_name="h264",
        long_codec_name="H.264 / AVC / MPEG-4 AVC / MPEG-4 part 10",
        pixels=Pixels("yuv420p", "4:2:0", 8),
        width=640,
        height=360,
        display_aspect_ratio=None,
        scanning="progressive",
        field_order=None,
        average_rate=Fraction(24),
        duration=Fraction(6),
        frames=144,
        size=FILM.stat().st_size,
        stream_size=763335,
    )
    assert progress == sorted(progress)
    assert progress[-1] == 100


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "mov", "avi", "nut"])
def test_constant_rate_is_found_in_every_container(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"film.{suffix}"
    make_video(path, [40 * index for index in range(30)])

    facts = probe(path, unheard)

    assert facts.frames == 30
    assert facts.average_rate == 25
    assert abs(facts.duration - Fraction(6, 5)) <= Fraction(1, 1000)


def test_variable_rate_is_frames_over_time(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    make_video(path, [0, 100, 120, 500, 510, 900])

    facts = probe(path, unheard)

    assert facts.frames == 6
    assert facts.average_rate == facts.frames / facts.duration
    assert Fraction(9, 10) < facts.duration < Fraction(13, 10)


@pytest.mark.parametrize(
    ("name", "subsampling", "bits"),
    [
        ("yuv420p", "4:2:0", 8),
        ("yuvj422p", "4:2:2", 8),
        ("nv12", "4:2:0", 8),
        ("p010le", "4:2:0", 10),
        ("yuva444p12le", "4:4:4", 12),
        ("yuv440p10le", "4:4:0", 10),
        ("yuv411p", "4:1:1", 8),
        ("yuv410p", "4:1:0", 8),
        ("rgb24", None, 8),
        ("gbrp10le", None, 10),
        ("gray16le", None, 16),
        ("pal8", None, 8),
    ],
)
def test_pixel_formats(name: str, subsampling: str | None, bits: int) -> None:
    assert describe(name) == Pixels(name, subsampling, bits)


@pytest.mark.parametrize("name", FILMS)
def test_collection_agrees_with_decoding(name: str) -> None:
    path = COLLECTION / name
    facts = probe(path, unheard)
    if facts.frames > 500:
        pytest.skip("decoding it takes long")
    if name.endswith(".h264"):
        assert facts.frames == _frames_by_program(path)
        return
    film = shown(path)
    assert facts.frames == len(film.times)
    assert abs(facts.duration - (film.end - min(film.times))) <= 1 / facts.average_rate


def _frames_by_program(path: Path) -> int:
    program = imageio_ffmpeg.get_ffmpeg_exe()
    command = [program, "-i", str(path), "-map", "0:v:0", "-fps_mode", "passthrough"]
    run = subprocess.run([*command, "-f", "null", "-"], capture_output=True, check=True, text=True)
    return int(re.findall(r"frame=\s*(\d+)", run.stderr)[-1])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("video/anamorphic_sar2x1.mp4", {"display_aspect_ratio": Fraction(32, 9)}),
        ("video/hdr10_av1_portrait_720x1280.mp4", {"codec_name": "av1", "frames": 127}),
        ("video/hlg_dolbyvision_iphone_rot90_hevc.mp4", {"frames": 77, "width": 1920}),
        ("video/nasa_two_video_streams.mp4", {"width": 480, "frames": 390}),
        ("video/hdr_vp9_profile2_10bit.webm", {"average_rate": Fraction(24000, 1001)}),
        ("video_interlaced/sony_1080i50_h264_ac3.mts", {"field_order": "top_first", "frames": 13}),
        ("derived/bbb_720i60_bff_h264.mp4", {"field_order": "bottom_first"}),
        ("video_pro/png_codec.mov", {"pixels": Pixels("rgba", None, 8)}),
    ],
)
def test_known_facts_of_the_collection(name: str, expected: dict[str, object]) -> None:
    if not COLLECTION.exists():
        pytest.skip("../shared/media is not there")
    facts = probe(COLLECTION / name, unheard)
    assert {key: getattr(facts, key) for key in expected} == expected


NO_FILMS = collection("hostile", "audio/", "image/", "image_photo/", without=MOVING)


@pytest.mark.parametrize("name", NO_FILMS)
def test_what_is_no_video_is_refused_and_nothing_else_happens(name: str) -> None:
    refused = False
    try:
        probe(COLLECTION / name, unheard)
    except BadMedia:
        refused = True
    assert refused or name.startswith("hostile")


def test_picture_is_refused() -> None:
    with pytest.raises(BadMedia, match=PICTURE):
        probe(SIDEWAYS, unheard)


def test_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.touch()
    with pytest.raises(BadMedia, match="empty"):
        probe(path, unheard)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("#EXTM3U\n#EXTINF:1,\n{film}\n#EXT-X-ENDLIST\n", PLAYLIST),
        ("ffconcat version 1.0\nfile '{film}'\n", PLAYLIST),
        ("<?xml version='1.0'?>\n<!-- x -->\n<MPD><BaseURL>{film}</BaseURL></MPD>", PLAYLIST),
        ("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nt=0 0\nm=video 5004 RTP/AVP 96\n", TEXT),
        ("just some words\n" * 40, TEXT),
        ("<!-- a -->" * 500, TEXT),
        ('<?xml version="1.0"?><!-- a --><?b?>\n<smil/>', PLAYLIST),
        ("<svg xmlns='http://www.w3.org/2000/svg'><image href='{film}'/></svg>", PICTURE),
    ],
    ids=["hls", "concat", "dash", "sdp", "text", "comments", "smil", "svg"],
)
def test_text_that_names_other_files_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "film.mp4"
    path.write_text(text.format(film=FILM))
    with pytest.raises(BadMedia) as refused:
        probe(path, unheard)
    assert str(refused.value) == reason


def test_no_allowed_format_reads_other_files() -> None:
    assert not {"hls", "dash", "concat", "sdp", "image2", "imf", "rtsp"} & set(FORMATS.split(","))


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.mkv"
    make_sound(path)
    with pytest.raises(BadMedia, match=SOUND):
        probe(path, unheard)


# A table, and a stream of MPEG audio without its beginning.
NEITHER = ("image_faces/faces_boxes.tsv", "audio/vbr_no_header.mp3")


@pytest.mark.parametrize("name", collection("audio/", "image", without=(*NEITHER, *MOVING)))
def test_sound_and_pictures_are_told_apart(name: str) -> None:
    with pytest.raises(BadMedia) as refused:
        probe(COLLECTION / name, unheard)
    assert str(refused.value) == (SOUND if name.startswith("audio") else PICTURE)


@pytest.mark.parametrize("start", range(12))
def test_encrypted_video_is_told(tmp_path: Path, start: int) -> None:
    # Whether FFmpeg takes what it cannot read for pictures depends on the very bytes: over
    # these beginnings it does both.
    path = tmp_path / "film.mp4"
    scheme = ["-encryption_scheme", "cenc-aes-ctr"]
    key = ["-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb"]
    kid = ["-encryption_kid", "a7e61c373e219033c21091fa607bf3b8"]
    cut = ["-ss", f"{start / 10}", "-t", "0.5"]
    ffmpeg("-i", FILM, *cut, *scheme, *key, *kid, "-fflags", "+bitexact", path)
    with pytest.raises(BadMedia, match=ENCRYPTED):
        probe(path, unheard)


@pytest.mark.parametrize(
    ("name", "encoding", "expected"),
    [
        ("a.mov", ["-c:v", "dnxhd", "-b:v", "120M"], ("progressive", None)),
        (
            "a.mov",
            ["-c:v", "dnxhd", "-b:v", "120M", "-flags", "+ildct"],
            ("interlaced", "top_first"),
        ),
        ("a.avi", ["-c:v", "dvvideo", "-s", "720x576"], ("interlaced", "bottom_first")),
        ("a.mkv", ["-c:v", "ffv1"], ("progressive", None)),
        ("a.ts", ["-c:v", "libx265", "-x265-params", "log-level=none"], ("progressive", None)),
        ("a.webm", ["-c:v", "libvpx-vp9", "-deadline", "realtime"], ("progressive", None)),
    ],
)
def test_scanning_is_that_of_frames_where_headers_are_silent(
    tmp_path: Path, name: str, encoding: list[str], expected: tuple[str, str | None]
) -> None:
    path = tmp_path / name
    size = "1920x1080" if "dnxhd" in encoding else "320x240"
    source = f"testsrc2=s={size}:r=25:d=0.12,setfield={'tff' if '+ildct' in encoding else 'prog'}"
    pixels = "yuv420p" if encoding[1] in ("dvvideo", "libx265", "libvpx-vp9") else "yuv422p"
    ffmpeg("-f", "lavfi", "-i", source, "-pix_fmt", pixels, *encoding, path)
    facts = probe(path, unheard)
    assert (facts.scanning, facts.field_order) == expected


def test_variable_rate_with_reordered_frames_lasts_as_long_as_its_edit_list(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    moved = "setpts='(N*40+10*mod(N\\,3)+if(gte(N\\,20)\\,400\\,0))/1000/TB'"
    hevc = [
        "-c:v",
        "libx265",
        "-x265-params",
        "bframes=4:log-level=none",
        "-enc_time_base",
        "1:1000",
    ]
    ffmpeg("-i", FILM, "-an", "-vf", f"{moved},trim=end_frame=30", "-fps_mode", "vfr", *hevc, path)
    film = shown(path)
    facts = probe(path, unheard)
    assert facts.frames == len(film.times) == 30
    assert facts.duration >= film.times[-1] - film.times[0] + Fraction(1, 100)
    told = oracles.ffprobe(path)["streams"][0]["duration"]
    assert float(facts.duration) == pytest.approx(float(told), abs=1e-6)


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.99])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_file_that_is_cut_off_is_refused(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"film.{suffix}"
    make_video(path, [40 * index for index in range(60)])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(BadMedia, match="cut off"):
        probe(path, unheard)


def test_index_in_front_does_not_hide_that_a_file_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    whole = FILM.read_bytes()
    path.write_bytes(whole[: len(whole) * 9 // 10])
    with pytest.raises(BadMedia, match="cut off"):
        probe(path, unheard)
