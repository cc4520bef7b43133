"""Strips of pictures, beside ImageMagick's montage of the same ones."""

import subprocess
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image

from services.media.engine.failure import BadMedia
from services.media.engine.images.framing import frame_size, frames
from services.media.engine.images.strip import strip
from tests.media.images.pictures import corners, psnr, quarters, ssim
from tests.media.material import COLLECTION
from tests.media.oracles import program

Format = Literal["jpeg", "png"]
MIXED = (
    "image_orientation/landscape_1.jpg",
    "image_orientation/portrait_1.jpg",
    "image_photo/kodim03.png",
    "image_photo/noface_coffee.png",
    "image/webp_photo.webp",
)


def joined(
    sources: list[Path],
    folder: Path,
    *,
    width: int | None = None,
    height: int | None = None,
    crop: bool = False,
    wrap: int | None = None,
    file_format: Format = "png",
) -> Image.Image:
    """The strip of some pictures, and that its file says the same."""
    size = frame_size(sources, width, height)
    target = folder / f"strip.{file_format}"
    placed: list[int] = []
    whole = strip(
        frames(sources, size, crop=crop),
        size,
        len(sources),
        wrap,
        target,
        file_format,
        placed.append,
    )
    assert placed == list(range(1, len(sources) + 1))
    with Image.open(target) as image:
        image.load()
        assert image.format == file_format.upper()
        assert image.size == whole
        return image.copy()


def saved(folder: Path, *images: Image.Image) -> list[Path]:
    paths = [folder / f"{index}.png" for index in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        image.save(path)
    return paths


@pytest.mark.parametrize(
    ("count", "wrap", "expected"),
    [
        (5, None, (200, 20)),
        (5, 2, (80, 60)),
        (4, 2, (80, 40)),
        (3, 1, (40, 60)),
        (3, 9, (120, 20)),
        (1, None, (40, 20)),
    ],
)
def test_rows(tmp_path: Path, count: int, wrap: int | None, expected: tuple[int, int]) -> None:
    sources = saved(tmp_path, *[quarters(80, 40)] * count)
    image = joined(sources, tmp_path, width=40, height=20, wrap=wrap)
    assert image.size == expected
    across = expected[0] // 40
    for index in range(count):
        left, top = index % across * 40, index // across * 20
        frame = image.crop((left, top, left + 40, top + 20))
        assert corners(frame) == ["red", "green", "blue", "white"]


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [(None, None, (80, 40)), (40, None, (40, 20)), (None, 80, (160, 80)), (50, 60, (50, 60))],
)
def test_first_picture_says_what_is_left_open(
    tmp_path: Path, width: int | None, height: int | None, expected: tuple[int, int]
) -> None:
    sources = saved(tmp_path, quarters(80, 40), quarters(30, 30))
    image = joined(sources, tmp_path, width=width, height=height)
    assert image.size == (2 * expected[0], expected[1])


def test_fitting_leaves_the_rest_clear_or_white(tmp_path: Path) -> None:
    sources = saved(tmp_path, Image.new("RGB", (40, 80), "red"), Image.new("RGB", (80, 40), "red"))
    image = joined(sources, tmp_path, width=40, height=40)
    assert image.mode == "RGBA"
    assert image.getchannel("A").crop((0, 0, 40, 40)).getbbox() == (10, 0, 30, 40)
    assert image.getchannel("A").crop((40, 0, 80, 40)).getbbox() == (0, 10, 40, 30)
    page = joined(sources, tmp_path, width=40, height=40, file_format="jpeg")
    white, red = page.getpixel((3, 20)), page.getpixel((20, 20))
    assert isinstance(white, tuple)
    assert isinstance(red, tuple)
    assert min(white) > 245
    assert red[0] > 245
    assert max(red[1:]) < 10


@pytest.mark.parametrize("file_format", ["jpeg", "png"])
def test_filling_cuts_evenly(tmp_path: Path, file_format: Format) -> None:
    stripes = Image.new("RGB", (300, 100), "red")
    stripes.paste("green", (90, 0, 210, 100))
    image = joined(
        saved(tmp_path, stripes, stripes),
        tmp_path,
        width=50,
        height=50,
        crop=True,
        file_format=file_format,
    )
    assert image.mode == "RGB"
    assert psnr(image, Image.new("RGB", (100, 50), "green")) > 38


def test_strips_look_like_a_montage(tmp_path: Path) -> None:
    sources = [COLLECTION / name for name in MIXED]
    if not sources[0].exists():
        pytest.skip("../shared/media is not there")
    # What is left of the frames is even here: who halves it otherwise is a pixel off.
    image = joined(sources, tmp_path, width=162, height=122, wrap=3)
    shape = ["-resize", "162x122", "-gravity", "center", "-extent", "162x122"]
    command = [program("montage"), *map(str, sources), "-auto-orient", "-background", "none"]
    command += [*shape, "-tile", "3x", "-geometry", "+0+0", str(tmp_path / "theirs.png")]
    subprocess.run(command, check=True, timeout=60)
    with Image.open(tmp_path / "theirs.png") as theirs:
        assert theirs.size == image.size
        assert psnr(image, theirs) > 40
        assert ssim(image, theirs) > 0.98


def test_bad_and_enormous_are_refused(tmp_path: Path) -> None:
    sources = saved(tmp_path, quarters(10, 10), quarters(10, 10))
    with pytest.raises(BadMedia, match="A strip of 131000 x 10 pixels is larger"):
        joined(sources * 250, tmp_path, width=262, height=10)
    with pytest.raises(
        BadMedia, match=r"larger than what can be made: 100,000,000 pixels, .* 65,500\.$"
    ):
        joined(sources, tmp_path, width=8192, height=8192)
    sources[1].write_bytes(b"")
    with pytest.raises(BadMedia, match=r"^Image 2 of 2 cannot be used: the file is empty\.$"):
        joined(sources, tmp_path)
