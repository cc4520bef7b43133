"""Strips of frames: which frames, how many, and where they stand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf.json_format import MessageToDict
from PIL import Image

from services.media.engine.failure import BadMedia
from services.media.operations import Job, SourceFile, operation
from tests.media.filtering import ffmpeg
from tests.media.frames.running import number, numbered, picture, run
from tests.media.images.pictures import psnr
from tests.media.material import FILM
from vitascope.tasks.v2.specs_pb2 import VideoStripSpec

STEADY = [40 * index for index in range(101)]


def frames(strip: Image.Image, across: int, count: int) -> list[int]:
    """The numbers of the frames in a strip."""
    width = strip.width // across
    height = strip.height // -(-count // across)
    places = [(index % across * width, index // across * height) for index in range(count)]
    return [number(strip.crop((x, y, x + width, y + height))) for x, y in places]


def test_what_the_video_is_stands_before_the_strip(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    numbered(film, STEADY)
    told: list[dict[str, Any]] = []
    job = Job(
        VideoStripSpec(url="http://a/b", count=2, width=32, format="jpeg"),
        {"video": SourceFile(film, film.name, None)},
        tmp_path,
        lambda percent: None,
        partial=lambda message: told.append(
            MessageToDict(message, preserving_proto_field_name=True)
        ),
    )
    operation("video.strip").run(job)
    assert told == [
        {
            "original_width": 96,
            "original_height": 64,
            "duration": 4.04,
            "frame_rate": 25.0,
            "content_type": "image/jpeg",
        }
    ]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("group", [5, 250])
@pytest.mark.parametrize(
    ("start", "end", "count", "shown"),
    [
        (0.0, None, 5, [0, 25, 50, 75, 100]),
        (0.0, None, 3, [0, 50, 100]),
        (0.0, None, 1, [0]),
        (1.0, 2.0, 6, [25, 30, 35, 40, 45, 50]),
        (1.0, 1.04, 2, [25, 26]),
        (1.0, 1.16, 10, [25, 26, 27, 28, 29]),
        (3.0, 90.0, 3, [75, 88, 100]),
        (90.0, None, 5, [100]),
        (90.0, 95.0, 5, [100]),
    ],
)
def test_frames_at_equal_distances(
    tmp_path: Path,
    suffix: str,
    group: int,
    start: float,
    end: float | None,
    count: int,
    shown: list[int],
) -> None:
    film = numbered(tmp_path / f"a.{suffix}", STEADY, group=group, bf="3", crf="1")
    spec = VideoStripSpec(url="x", start=start, end=end, count=count, format="png")
    result = run(spec, film, tmp_path)
    strip = picture(result)
    # Of two frames that are as near, either may be meant.
    assert np.abs(np.subtract(frames(strip, len(shown), len(shown)), shown)).max() <= (end == 90.0)
    assert MessageToDict(result.message, preserving_proto_field_name=True)["count"] == len(shown)


def test_short_files_have_no_frame_twice(tmp_path: Path) -> None:
    film = numbered(tmp_path / "a.mp4", [0, 40, 80, 120], crf="1")
    result = run(VideoStripSpec(url="x", count=10, wrap=3, format="png"), film, tmp_path)
    strip = picture(result)
    assert frames(strip, 3, 4) == [0, 1, 2, 3]
    assert MessageToDict(result.message, preserving_proto_field_name=True) == {
        "count": 4,
        "width": 288,
        "height": 128,
        "original_width": 96,
        "original_height": 64,
        "duration": 0.16,
        "frame_rate": 25.0,
        "content_type": "image/png",
    }


def test_slides_keep_their_times(tmp_path: Path) -> None:
    film = numbered(tmp_path / "a.mp4", [0, 9000, 9040, 9080, 9120, 10_000], crf="1")
    spec = VideoStripSpec(url="x", start=0, end=9.12, count=4, format="png")
    assert frames(picture(run(spec, film, tmp_path)), 4, 4) == [0, 0, 0, 4]


@pytest.mark.parametrize(
    ("width", "height", "crop", "size"),
    [
        (None, None, False, (640, 360)),
        (160, None, False, (160, 90)),
        (None, 90, True, (160, 90)),
        (100, 100, False, (100, 100)),
        (100, 100, True, (100, 100)),
    ],
)
def test_sizes(
    tmp_path: Path, width: int | None, height: int | None, crop: bool, size: tuple[int, int]
) -> None:
    spec = VideoStripSpec(
        url="x", width=width, height=height, crop=crop, count=3, wrap=2, format="jpeg"
    )
    strip = picture(run(spec, FILM, tmp_path))
    assert strip.size == (2 * size[0], 2 * size[1])
    # JPEG blurs the borders.
    blank = strip.crop((size[0] + 16, size[1] + 16, 2 * size[0], 2 * size[1]))
    assert np.asarray(blank).min() > 245
    ffmpeg("-sseof", "-0.05", "-i", FILM, "-update", "1", tmp_path / "last.png")
    last = strip.crop((0, size[1], size[0], 2 * size[1]))
    with Image.open(tmp_path / "last.png") as image:
        wanted = image.convert("RGB")
    if size == (100, 100):
        scaled = wanted.resize((100, 56), Image.Resampling.BICUBIC)
        wanted = wanted.crop((140, 0, 500, 360)) if crop else Image.new("RGB", size, "white")
        if not crop:
            wanted.paste(scaled, (0, 22))
    assert psnr(last, wanted.resize(size, Image.Resampling.BICUBIC)) > 28


def test_damaged_files_give_what_they_have(tmp_path: Path) -> None:
    film = numbered(tmp_path / "a.ts", STEADY, group=10, crf="1")
    data = film.read_bytes()
    film.write_bytes(data[: len(data) // 2])
    result = run(VideoStripSpec(url="x", count=4, format="jpeg"), film, tmp_path)
    values = MessageToDict(result.message, preserving_proto_field_name=True)
    assert 1 <= values["count"] <= 4
    assert values["duration"] < 3
    assert picture(result).width == values["count"] * 96


def test_enormous_strips_are_refused(tmp_path: Path) -> None:
    spec = VideoStripSpec(url="x", width=8192, height=8192, count=2, format="png")
    with pytest.raises(BadMedia, match="A strip of 16384 x 8192 pixels is larger"):
        run(spec, FILM, tmp_path)
