"""Single frames of videos: which one, how large, and how it looks."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.media.engine.failure import BadMedia
from services.media.engine.glimpses import glimpses
from services.media.engine.probe import probe
from services.media.engine.reading import open_video, video_stream
from tests.media.filtering import ffmpeg, likeness
from tests.media.frames.running import number, numbered, picture, run
from tests.media.images.pictures import likeness as difference
from tests.media.images.pictures import psnr
from tests.media.material import COLLECTION, FILM, collection, unheard
from vitascope.tasks.v2.specs_pb2 import VideoThumbSpec

STEADY = [40 * index for index in range(120)]
UNEVEN = [0, 40, 80, 1500, 1510, 1520, 4000, 4040, 4050, 9000]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize(
    ("times", "time", "shown"),
    [
        (STEADY, 0.0, 0),
        (STEADY, 0.039, 0),
        (STEADY, 0.04, 1),
        (STEADY, 2.56, 64),
        (STEADY, 2.599, 64),
        (STEADY, 4.76, 119),
        (STEADY, 4.8, 119),
        (STEADY, 1e9, 119),
        (UNEVEN, 1.0, 2),
        (UNEVEN, 1.515, 4),
        (UNEVEN, 3.9, 5),
        (UNEVEN, 8.9, 8),
        (UNEVEN, 9.0, 9),
    ],
)
def test_exactly_the_frame_on_screen(
    tmp_path: Path, suffix: str, times: list[int], time: float, shown: int
) -> None:
    """With B-frames, some of which no other frame refers to, and few key frames."""
    film = numbered(tmp_path / f"a.{suffix}", times, group=50, bf="3", crf="1")
    result = run(VideoThumbSpec(url="x", time=time, format="png"), film, tmp_path)
    assert number(picture(result)) == shown


def test_times_of_broken_fractions_mean_the_frame_that_begins(tmp_path: Path) -> None:
    """In Matroska times are rounded to milliseconds, and a client counts frames."""
    film = tmp_path / "a.mkv"
    numbered(tmp_path / "b.mp4", STEADY, crf="1")
    ffmpeg("-i", tmp_path / "b.mp4", "-vf", "setpts=N/24/TB,fps=24", "-crf", "1", film)
    for index in (1, 2, 5, 7, 100):
        spec = VideoThumbSpec(url="x", time=index / 24, format="png")
        assert number(picture(run(spec, film, tmp_path))) == index


@pytest.mark.parametrize(
    "name", collection("video/", "video_interlaced/", without=("video/eac3_audio_only.mp4",))
)
def test_late_frames_are_as_if_all_before_were_decoded(name: str) -> None:
    """Bit by bit, on real files of all codecs."""
    path = COLLECTION / name
    facts = probe(path, unheard)
    if facts.frames > 320:
        pytest.skip("takes long to decode whole")
    at = facts.duration * Fraction(7, 10)
    (late,) = glimpses(path, facts, [at], facts.frames)
    with open_video(path) as container:
        stream = video_stream(container)
        begin = (stream.start_time or 0) * (stream.time_base or 1)
        wanted = None
        for count, frame in enumerate(container.decode(stream)):
            shown = (
                count / facts.average_rate
                if frame.pts is None or stream.time_base is None
                else frame.pts * stream.time_base - begin
            )
            if shown > at:
                break
            wanted = frame
    assert wanted is not None
    assert set(likeness(late.frame, wanted)) == {float("inf")}


@pytest.mark.parametrize(
    ("width", "height", "crop", "expected"),
    [
        (None, None, False, (640, 360)),
        (320, None, False, (320, 180)),
        (None, 90, False, (160, 90)),
        (300, 300, False, (300, 169)),
        (300, 300, True, (300, 300)),
        (300, None, True, (300, 169)),
        (1280, None, False, (1280, 720)),
    ],
)
def test_sizes(
    tmp_path: Path, width: int | None, height: int | None, crop: bool, expected: tuple[int, int]
) -> None:
    spec = VideoThumbSpec(
        url="x", time=3.0, width=width, height=height, crop=crop, format="png", quality=75
    )
    result = run(spec, FILM, tmp_path)
    made = picture(result)
    assert made.size == expected
    with _judged(tmp_path, "3.0") as whole:
        if crop and width and height:
            whole = whole.crop((140, 0, 500, 360))
        wanted = whole.resize(expected, Image.Resampling.BICUBIC)
    assert psnr(made, wanted) > 33


def _judged(folder: Path, time: str, source: Path = FILM) -> Image.Image:
    """FFmpeg's picture of a time."""
    path = folder / "judge.png"
    ffmpeg("-ss", time, "-i", source, "-frames:v", "1", path)
    with Image.open(path) as image:
        return image.convert("RGB")


@pytest.mark.parametrize(
    "name",
    ["rot_90_tiny.mov", "rot_180_tiny.mov", "rot_270_tiny.mov", "rotate_and_mirror_matrix.mp4"],
)
def test_turned_videos_are_upright(tmp_path: Path, name: str) -> None:
    path = COLLECTION / "video" / name
    if not path.exists():
        pytest.skip("../shared/media is not there")
    made = picture(run(VideoThumbSpec(url="x", format="png"), path, tmp_path))
    wanted = _judged(tmp_path, "0", path)
    assert made.size == wanted.size
    assert psnr(made, wanted) > 33


def test_result_and_quality(tmp_path: Path) -> None:
    sizes = []
    for quality in (1, 50, 95):
        spec = VideoThumbSpec(url="x", time=3.0, format="jpeg", quality=quality)
        result = run(spec, FILM, tmp_path)
        sizes.append(result.outputs[0].path.stat().st_size)
    assert sizes == sorted(set(sizes))
    old = run(VideoThumbSpec(url="x", time=3.0, format="jpeg"), FILM, tmp_path)
    assert sizes[0] < old.outputs[0].path.stat().st_size < sizes[2]
    assert str(old.message).split("\n")[:-1] == [
        "width: 640",
        "height: 360",
        "original_width: 640",
        "original_height: 360",
        "duration: 6",
        'content_type: "image/jpeg"',
    ]


def test_poster_has_a_sign_in_the_middle(tmp_path: Path) -> None:
    spec = VideoThumbSpec(url="x", time=3.0, format="png")
    plain = picture(run(spec, FILM, tmp_path))
    poster = picture(
        run(VideoThumbSpec(url="x", time=3.0, format="png", poster=True), FILM, tmp_path)
    )
    middle, corner = (290, 150, 350, 210), (0, 0, 60, 60)
    assert difference(plain.crop(middle), poster.crop(middle)) > 20
    assert difference(plain.crop(corner), poster.crop(corner)) == 0
    assert np.asarray(poster)[180, 320].min() > 220


def test_too_large_is_refused(tmp_path: Path) -> None:
    spec = VideoThumbSpec(url="x", width=16000, height=16000, crop=True, format="png")
    with pytest.raises(BadMedia, match="A thumbnail of 16000 x 16000 pixels is larger"):
        run(spec, FILM, tmp_path)
