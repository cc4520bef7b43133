"""Films from their end: every frame, every time, every sample."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from services.media.engine.reading import open_video
from services.media.engine.reversal import windows
from services.media.engine.reversal.recording import Recording
from tests.media.converting import REVERSE_V2, V1, clip, ran
from tests.media.filtering import ffmpeg
from tests.media.material import COLLECTION, FILM, collection, make_video
from tests.media.measure import Samples, heard, luma, psnr, shown
from tests.media.oracles import ffprobe

KIND = "video.reverse"
FINE = {**REVERSE_V2, "crf": 12, "video_bitrate": 20_000}


def frames(path: Path) -> list[Samples]:
    with av.open(str(path)) as container:
        return [luma(frame) for frame in container.decode(video=0)]


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of 20 frames of the film."""
    monkeypatch.setattr(windows, "_WINDOW_BYTES", 20 * 160 * 90 * 3 // 2)


@pytest.fixture(params=["250", "24", "1"])
def film(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Six seconds in groups of pictures of that length, shown out of order."""
    path = tmp_path / "film.mp4"
    chain = ["-vf", "scale=160:90", "-c:v", "libx264", "-bf", "3", "-crf", "12"]
    ffmpeg("-i", FILM, *chain, "-g", str(request.param), "-c:a", "aac", path)
    return path


@pytest.mark.usefixtures("small_windows")
def test_frames_go_backwards_and_twice_is_as_before(film: Path, tmp_path: Path) -> None:
    once, twice = tmp_path / "once", tmp_path / "twice"
    once.mkdir()
    twice.mkdir()
    result, path = ran(KIND, FINE, film, once)
    assert result.duration == 6
    was, now = frames(film), frames(path)
    assert len(now) == len(was) == 144
    assert min(map(psnr, was, now[::-1])) > 35
    _, again = ran(KIND, FINE, path, twice)
    assert min(map(psnr, was, frames(again))) > 33
    # Those beside them are others.
    beside = np.mean(list(map(psnr, was[1:], now[::-1])))
    assert beside < np.mean(list(map(psnr, was, now[::-1]))) - 8
    assert not [each for each in once.iterdir() if each != path]


@pytest.mark.usefixtures("small_windows")
def test_uneven_times_are_mirrored(tmp_path: Path) -> None:
    times = [0, 40, 50, 300, 330, 1000, 1010, 1400, *range(1500, 3000, 20)]
    film = tmp_path / "film.mp4"
    make_video(film, times, size=(160, 90))
    result, path = ran(KIND, FINE, film, tmp_path)
    end = shown(film).end
    # MP4 keeps durations in the order of decoding: that of the frame shown last may be another's.
    assert result.duration == pytest.approx(float(end), abs=0.04)
    assert shown(path).times == [0, *(end - each for each in shown(film).times[:0:-1])]


@pytest.mark.parametrize("wishes", [REVERSE_V2, V1])
def test_the_first_frame_is_last_for_as_long_as_it_was_shown(
    tmp_path: Path, wishes: dict[str, Any]
) -> None:
    film = tmp_path / "film.mp4"
    make_video(film, [0, *range(2000, 4000, 40)], size=(160, 90))
    result, path = ran(KIND, wishes, film, tmp_path)
    assert result.duration == pytest.approx(4.0, abs=0.04)
    assert float(ffprobe(path)["streams"][0]["duration"]) == pytest.approx(4.0, abs=0.04)


def test_sound_is_with_its_picture(tmp_path: Path) -> None:
    film = clip(tmp_path / "film.mp4")
    _, path = ran(KIND, FINE, film, tmp_path)
    (_, was), (_, now) = heard(film), heard(path)
    length = 44_100
    assert now.shape[1] - length < 2048
    backwards = now[:, :length][:, ::-1]
    error = np.sqrt(np.mean((was[:, :length] - backwards) ** 2))
    assert error < 0.1 * np.sqrt(np.mean(was**2))


def test_sound_is_reversed_to_the_sample(tmp_path: Path) -> None:
    film = tmp_path / "film.mov"
    ffmpeg("-i", FILM, "-c:v", "copy", "-c:a", "pcm_s16le", film)
    _, was = heard(film)
    with open_video(film) as reader:
        stream = reader.streams.audio[0]
        with Recording(tmp_path / "sound", stream, stream.sample_rate, Fraction(0)) as kept:
            for packet in reader.demux(stream):
                if packet.size:
                    kept.take(packet)
            kept.finish()
            blocks = [frame.to_ndarray() for frame in kept.backwards(kept.end)]
    now = np.concatenate(blocks, axis=1).reshape(-1, 2).T
    assert now.shape == was.shape
    assert np.array_equal(np.round(now[:, ::-1] * 32768), was)


def test_sound_that_goes_on_holds_the_last_frame(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    make_video(film, range(0, 400, 40), sound="aac", size=(160, 90))
    result, path = ran(KIND, FINE, film, tmp_path)
    assert result.duration == pytest.approx(1.0, abs=0.05)
    times = shown(path).times
    assert times[0] == 0
    assert len(times) == 10
    assert times[1] == pytest.approx(float(result.duration) - 0.36, abs=0.005)


def test_version_1_says_what_the_sound_is_to_be(tmp_path: Path) -> None:
    wishes: dict[str, Any] = {**V1, "audio_codec": "mp3", "sample_rate": 22_050, "width": 80}
    _, path = ran(KIND, wishes, clip(tmp_path / "film.mp4"), tmp_path)
    found = {each["codec_type"]: each for each in ffprobe(path)["streams"]}
    assert (found["audio"]["codec_name"], found["audio"]["sample_rate"]) == ("mp3", "22050")
    assert (found["video"]["width"], found["video"]["height"]) == (80, 48)


ODD = {
    "video/bbb_rot90_aac51.mp4": 45,
    "video/vfr_screen_odd_3026x1386.mp4": 63,
    "video/fire_rot180_720p_vfr.mp4": 25,
    "video/hevc_aac51.ts": 120,
    "video_interlaced/sony_1080i50_h264_ac3.mts": 13,
    "video_pro/qt_animation_argb_alpha.mov": 25,
}


@pytest.mark.parametrize("name", collection(*ODD))
def test_odd_films_have_all_their_frames(tmp_path: Path, name: str) -> None:
    _, path = ran(KIND, {**REVERSE_V2, "height": 96}, COLLECTION / name, tmp_path)
    assert len(shown(path).times) == ODD[name]
