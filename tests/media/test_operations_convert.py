"""`video.convert`: sizes, codecs, containers and rates, as other programs find them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.media.engine.coded_sound import bitrate
from services.media.engine.conversion import size_wanted
from services.media.engine.failure import BadMedia
from services.media.engine.plan import Sound
from services.media.engine.segments import cuts
from tests.media.converting import V1, V2, clip, ran, split
from tests.media.filtering import ffmpeg
from tests.media.material import COLLECTION, FILM, collection
from tests.media.measure import Samples, heard, luma, psnr, shown
from tests.media.oracles import ffprobe

KIND = "video.convert"
# Samples a second at which sound is compared.
_RATE = 8000


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of film, of 160x96 pixels."""
    return clip(tmp_path_factory.mktemp("second") / "film.mp4")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of it."""
    return clip(tmp_path_factory.mktemp("film") / "film.mp4", 6)


def streams(path: Path) -> dict[str, dict[str, Any]]:
    return {each["codec_type"]: each for each in ffprobe(path)["streams"]}


@pytest.mark.parametrize(
    ("wishes", "size"),
    [
        ({}, (642, 360)),
        ({"width": 320}, (320, 180)),
        ({"height": 90}, (160, 90)),
        ({"width": 101, "height": 101}, (100, 56)),
        ({"width": 1284, "height": 2000}, (1284, 720)),
        ({"width": 100, "height": 100, "crop": True}, (100, 100)),
        ({"width": 99, "height": 33, "crop": True}, (98, 32)),
        ({"width": 320, "crop": True}, (320, 180)),
        ({"width": 1}, (2, 2)),
    ],
)
def test_sizes(wishes: dict[str, Any], size: tuple[int, int]) -> None:
    asked = {"width": None, "height": None, "crop": False} | wishes
    found = size_wanted((643, 361), asked["width"], asked["height"], crop=asked["crop"])
    assert found == size


def test_a_size_beyond_what_can_be_made_is_refused() -> None:
    with pytest.raises(BadMedia, match="larger than what can be made"):
        size_wanted((10, 1000), 8192, None, crop=False)


@pytest.mark.parametrize(
    ("codec", "content_type", "container"),
    [
        ("aac", "video/mp4", "mov,mp4"),
        ("mp3", "video/mp4", "mov,mp4"),
        ("mp2", "video/mp2t", "mpegts"),
        ("wmav1", "video/x-matroska", "matroska"),
        ("wmav2", "video/x-matroska", "matroska"),
    ],
)
@pytest.mark.parametrize("rate", [22_050, 48_000])
def test_codecs_of_sound(
    tmp_path: Path, second: Path, codec: str, content_type: str, container: str, rate: int
) -> None:
    wishes = {**V2, "audio_codec": codec, "sample_rate": rate, "audio_bitrate": 160}
    result, path = ran(KIND, wishes, second, tmp_path)
    found = streams(path)
    assert (result.content_type, result.audio_codec) == (content_type, codec)
    assert container in ffprobe(path)["format"]["format_name"]
    assert (found["audio"]["codec_name"], int(found["audio"]["sample_rate"])) == (codec, rate)
    assert found["audio"]["channels"] == 2
    assert found["video"]["codec_name"] == "h264"
    assert len(shown(path).times) == 24
    assert lag(path, second, 1) == pytest.approx(0, abs=0.002)


def lag(path: Path, film: Path, seconds: int) -> float:
    """Seconds by which the sound is later, against its picture, than it is in the film."""
    came, comes = (sound_with_picture(each, seconds) for each in (film, path))
    size = 2 * came.size
    alike = np.fft.irfft(np.conj(np.fft.rfft(came, size)) * np.fft.rfft(comes, size))
    place = int(np.argmax(alike))
    return (place if place < came.size else place - size) / _RATE


def sound_with_picture(path: Path, seconds: int) -> Samples:
    """The first channel at _RATE samples a second, from the first frame of the picture on."""
    start, samples = heard(path)
    rate = int(streams(path)["audio"]["sample_rate"])
    times = np.arange(0, seconds, 1 / _RATE) + float(shown(path).times[0] - start)
    resampled: Samples = np.interp(times * rate, np.arange(samples.shape[1]), samples[0])
    return resampled


@pytest.mark.parametrize(
    ("sound", "channels", "bits"),
    [
        (Sound("mp2", 8_000, 48_000), 2, 64_000),
        (Sound("mp2", 640_000, 48_000), 1, 192_000),
        (Sound("mp2", 640_000, 22_050), 2, 160_000),
        (Sound("mp3", 130_000, 44_100), 2, 128_000),
        (Sound("mp3", 640_000, 44_100), 2, 320_000),
        (Sound("wmav1", 8_000, 44_100), 2, 24_000),
        (Sound("aac", 100_000, 44_100), 2, 100_000),
    ],
)
def test_bitrates_that_codecs_know(sound: Sound, channels: int, bits: int) -> None:
    assert bitrate(sound, channels) == bits


def test_the_best_quality_is_one_that_players_know(tmp_path: Path, second: Path) -> None:
    """x264 without loss is a profile of its own, that phones and browsers refuse."""
    _, path = ran(KIND, {**V2, "crf": 0, "video_bitrate": 100_000}, second, tmp_path)
    assert streams(path)["video"]["profile"] == "High"
    best = path.stat().st_size
    _, path = ran(KIND, {**V2, "crf": 20, "video_bitrate": 100_000}, second, tmp_path)
    assert best > 1.2 * path.stat().st_size


def test_version_1_has_an_average_bitrate(tmp_path: Path) -> None:
    result, path = ran(KIND, V1, FILM, tmp_path)
    found = streams(path)
    assert int(found["video"]["bit_rate"]) == pytest.approx(512_000, rel=0.15)
    assert int(found["audio"]["sample_rate"]) == 48_000
    assert (result.width, result.height, result.original_width, result.original_height) == (
        *(640, 360),
        *(640, 360),
    )
    assert (result.duration, result.frame_rate, result.video_codec) == (6, 24, "h264")
    assert result.HasField("rotation")
    assert (result.alpha, result.rotation) == (False, 0)


def test_version_2_has_a_quality_within_a_bitrate(tmp_path: Path, film: Path) -> None:
    bits = {}
    for name, wishes in {
        "free": {},
        "worse": {"crf": 35},
        "narrow": {"video_bitrate": 30},
    }.items():
        _, path = ran(KIND, {**V2, **wishes}, film, tmp_path)
        bits[name] = int(streams(path)["video"]["bit_rate"])
    assert bits["worse"] < bits["free"] / 2
    assert bits["narrow"] < 40_000 < bits["free"]


def test_groups_of_pictures_are_as_long_as_asked(tmp_path: Path, film: Path) -> None:
    _, path = ran(KIND, {**V2, "gop": 7}, film, tmp_path)
    kept = shown(path).kept
    assert kept[70].key_frame
    assert not kept[60].key_frame


def test_a_film_without_sound_has_none(tmp_path: Path, second: Path) -> None:
    silent = tmp_path / "silent.mp4"
    ffmpeg("-i", second, "-an", "-c", "copy", silent)
    result, path = ran(KIND, V2, silent, tmp_path)
    assert not result.HasField("audio_codec")
    assert streams(path).keys() == {"video"}


def test_crop_fills_with_the_middle(tmp_path: Path, second: Path) -> None:
    wishes = {**V2, "width": 48, "height": 48, "crop": True, "crf": 5, "video_bitrate": 50_000}
    _, path = ran(KIND, wishes, second, tmp_path)
    middle = tmp_path / "middle.mkv"
    ffmpeg("-i", second, "-vf", "crop=96:96,scale=48:48:flags=bicubic", "-c:v", "ffv1", middle)
    ours, theirs = shown(path).kept, shown(middle).kept
    assert min(psnr(luma(ours[each]), luma(theirs[each])) for each in theirs) > 34


# Width and height as stored, and as seen: upright, of square pixels.
SIZES = {
    "video/bbb_rot90_aac51.mp4": ((1920, 1080), (1080, 1920)),
    "video/anamorphic_sar2x1.mp4": ((640, 360), (1280, 360)),
    "video/vfr_screen_odd_3026x1386.mp4": ((3026, 1386), (3026, 1386)),
    "video/hlg_dolbyvision_iphone_rot90_hevc.mp4": ((1920, 1080), (1080, 1920)),
    "video_pro/qt_animation_argb_alpha.mov": ((320, 240), (320, 240)),
}


@pytest.mark.parametrize("name", collection(*SIZES))
def test_odd_films_look_as_a_viewer_sees_them(tmp_path: Path, name: str) -> None:
    # A second is enough to see; it is copied as it is coded.
    source = tmp_path / f"source{Path(name).suffix}"
    ffmpeg("-i", COLLECTION / name, "-t", "1", "-c", "copy", "-strict", "unofficial", source)
    result, path = ran(KIND, {**V2, "height": 96}, source, tmp_path)
    stored, (width, height) = SIZES[name]
    assert (result.original_width, result.original_height) == stored
    found = streams(path)["video"]
    assert (found["width"], found["height"]) == (result.width, result.height)
    assert result.width == pytest.approx(96 * width / height, abs=1)
    assert found.get("sample_aspect_ratio", "1:1") == "1:1"
    assert "side_data_list" not in found
    assert (found["pix_fmt"], found["color_transfer"]) == ("yuv420p", "bt709")
    times = [float(each) for each in shown(path).times]
    assert times == pytest.approx([float(each) for each in shown(source).times], abs=0.01)


def test_a_long_film_is_made_in_segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film, at_once, in_parts = (tmp_path / name for name in ("film.mp4", "at_once", "in_parts"))
    at_once.mkdir()
    in_parts.mkdir()
    small = ["-vf", "scale=160:96", "-c:v", "libx264", "-preset", "ultrafast", "-g", "12"]
    ffmpeg("-stream_loop", "4", "-i", FILM, *small, film)
    whole, path = ran(KIND, V2, film, at_once)
    before = shown(path)
    monkeypatch.setattr(cuts, "_count", lambda *_: 2)
    result, joined = split(KIND, V2, film, in_parts)
    after = shown(joined)
    assert result == whole
    assert after.times == before.times
    pairs = [(luma(before.kept[each]), luma(after.kept[each])) for each in before.kept]
    assert min(psnr(*pair) for pair in pairs) > 30
    assert lag(joined, film, 15) == pytest.approx(0, abs=0.002)
