"""Thumbnails look like those that ImageMagick makes of the same pictures."""

from pathlib import Path

import pytest
from PIL import Image, ImageCms

from services.media.engine.images.thumbnail import Wanted, thumbnail
from tests.media.images.pictures import psnr, ssim
from tests.media.material import COLLECTION, collection
from tests.media.oracles import magick

NO_PICTURES = ("image/svg_check.svg", "image/svg_struct_suite.svg", "image_faces/faces_boxes.tsv")
# ImageMagick forgets the colour profile of HEIC; `test_heic_with_a_wide_profile` has its own way.
OTHERWISE = (*NO_PICTURES, "image_photo/bike_12mp.heic")


@pytest.fixture(scope="module")
def srgb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the profile of sRGB."""
    path = tmp_path_factory.mktemp("profiles") / "srgb.icc"
    path.write_bytes(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    return path


def made(source: Path, folder: Path, size: tuple[int, int], file_format: str) -> Image.Image:
    """Our thumbnail of a picture."""
    target = folder / f"ours.{file_format}"
    width, height = size
    wanted = Wanted(width, height, crop=False, rotation=0, poster=False, format=file_format)
    thumbnail(source, target, wanted)
    with Image.open(target) as image:
        return image.copy()


def theirs(source: Path, folder: Path, size: tuple[int, int], *profiles: Path) -> Image.Image:
    """ImageMagick's thumbnail of a picture's first frame, upright and by profiles, in turn."""
    target = folder / "theirs.png"
    steps = [step for profile in profiles for step in ("-profile", profile)]
    shape = f"{size[0]}x{size[1]}!"
    magick(f"{source}[0]", "-auto-orient", *steps, "-filter", "Lanczos", "-resize", shape, target)
    with Image.open(target) as image:
        return image.copy()


@pytest.mark.parametrize("name", collection("image", without=OTHERWISE))
def test_thumbnails_look_like_imagemagicks(tmp_path: Path, srgb: Path, name: str) -> None:
    source = COLLECTION / name
    ours = made(source, tmp_path, (240, 240), "png")
    # Where there is no profile, ImageMagick takes this one to be the picture's own.
    other = theirs(source, tmp_path, ours.size, srgb)
    assert psnr(ours, other) > 41
    assert ssim(ours, other) > 0.98


def test_heic_with_a_wide_profile(tmp_path: Path, srgb: Path) -> None:
    source = COLLECTION / "image_photo/bike_12mp.heic"
    if not source.exists():
        pytest.skip("../shared/media is not there")
    ours = made(source, tmp_path, (240, 240), "png")
    with Image.open(source) as image:
        profile = tmp_path / "wide.icc"
        profile.write_bytes(image.info["icc_profile"])
    assert psnr(ours, theirs(source, tmp_path, ours.size, profile, srgb)) > 41
    assert psnr(ours, theirs(source, tmp_path, ours.size)) < 36


@pytest.mark.parametrize(
    ("file_format", "decibels", "similarity"), [("jpeg", 33, 0.95), ("gif", 31, 0.88)]
)
@pytest.mark.parametrize("name", collection("image_photo/kodim03", "image_photo/noface"))
def test_formats_that_lose_lose_little(
    tmp_path: Path, name: str, file_format: str, decibels: float, similarity: float
) -> None:
    source = COLLECTION / name
    whole = made(source, tmp_path, (320, 320), "png")
    lossy = made(source, tmp_path, (320, 320), file_format)
    assert psnr(lossy, whole) > decibels
    assert ssim(lossy, whole) > similarity
