"""Thumbnails: sizes, turns, colours, transparency and the play sign."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageCms

from services.media.engine.failure import BadMedia
from services.media.engine.images.metadata import describe
from services.media.engine.images.thumbnail import Made, Wanted, thumbnail
from tests.media.images.pictures import corners, likeness, quarters, saved
from tests.media.material import COLLECTION, SIDEWAYS, collection

ORIENTATIONS = collection("image_orientation/")
PLAIN = Wanted(width=None, height=None, crop=False, rotation=0, poster=False, format="png")


def made(source: Path, folder: Path, wanted: Wanted) -> tuple[Made, Image.Image]:
    """A thumbnail's sizes, and the thumbnail itself, completely decoded."""
    target = folder / f"thumb.{wanted.format}"
    sizes = thumbnail(source, target, wanted)
    with Image.open(target) as image:
        image.load()
        assert image.format == wanted.format.upper()
        assert image.size == (sizes.width, sizes.height)
        assert not image.getexif()
        return sizes, image.copy()


@pytest.mark.parametrize(
    ("orientation", "rotation"),
    [(1, 0), (2, None), (3, 180), (4, None), (5, None), (6, 270), (7, None), (8, 90), (9, None)],
)
def test_rotation_is_what_sets_a_picture_upright(
    tmp_path: Path, orientation: int, rotation: int | None
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "source.jpg"
    quarters(64, 32).save(path, exif=exif)

    facts = describe(path)

    assert facts.rotation == rotation
    assert facts.exif_orientation == (orientation if orientation < 9 else None)
    if rotation is not None:
        with Image.open(path) as image:
            turned = image.rotate(rotation, expand=True)
        _, upright = made(path, tmp_path, PLAIN)
        assert turned.size == upright.size
        assert likeness(turned, upright) < 1


@pytest.mark.parametrize(
    ("suffix", "mode", "alpha"),
    [
        ("png", "RGB", False),
        ("png", "LA", True),
        ("png", "P", False),
        ("gif", "P", False),
        ("webp", "RGBA", True),
        ("webp", "RGB", False),
        ("tif", "CMYK", False),
        ("bmp", "RGB", False),
        ("jpg", "L", False),
        ("avif", "RGBA", True),
        ("jp2", "RGB", False),
    ],
)
def test_every_format(tmp_path: Path, suffix: str, mode: str, alpha: bool) -> None:
    types = {"jpg": "image/jpeg", "tif": "image/tiff"}
    image = quarters(80, 40).convert(mode)
    if alpha:
        image.putalpha(Image.new("L", image.size, 100))
    path = saved(tmp_path, image, suffix)

    facts = describe(path)

    assert facts.content_type == types.get(suffix, f"image/{suffix}")
    assert (facts.width, facts.height, facts.alpha) == (80, 40, alpha)
    sizes, _ = made(path, tmp_path, replace(PLAIN, width=20))
    assert sizes == Made(20, 10, 80, 40)


@pytest.mark.parametrize(
    ("width", "height", "crop", "expected"),
    [
        (None, None, False, (400, 200)),
        (100, None, False, (100, 50)),
        (None, 100, False, (200, 100)),
        (100, 100, False, (100, 50)),
        (100, 20, False, (40, 20)),
        (800, 800, False, (800, 400)),
        (100, 100, True, (100, 100)),
        (33, 77, True, (33, 77)),
        (900, 100, True, (900, 100)),
        (100, None, True, (100, 50)),
        (1, 1, False, (1, 1)),
    ],
)
def test_sizes(
    tmp_path: Path, width: int | None, height: int | None, crop: bool, expected: tuple[int, int]
) -> None:
    source = saved(tmp_path, quarters(400, 200))
    wanted = replace(PLAIN, width=width, height=height, crop=crop)

    sizes, image = made(source, tmp_path, wanted)

    assert (sizes.width, sizes.height) == expected
    assert (sizes.original_width, sizes.original_height) == (400, 200)
    if min(expected) > 8:
        assert corners(image) == ["red", "green", "blue", "white"]


def test_cropping_cuts_both_sides_evenly(tmp_path: Path) -> None:
    stripes = Image.new("RGB", (300, 100), "red")
    stripes.paste("green", (100, 0, 200, 100))
    stripes.paste("blue", (200, 0, 300, 100))

    _, image = made(
        saved(tmp_path, stripes), tmp_path, replace(PLAIN, width=50, height=50, crop=True)
    )

    pixels = np.asarray(image, int)
    assert pixels[:, 4:-4].tolist() == np.full((50, 42, 3), (0, 128, 0)).tolist()
    # What the filter takes from beyond the cut is alike on both sides.
    assert pixels[..., 0].tolist() == pixels[:, ::-1, 2].tolist()


@pytest.mark.parametrize(
    ("rotation", "expected"),
    [
        (0, ["red", "green", "blue", "white"]),
        (90, ["green", "blue", "white", "red"]),
        (180, ["blue", "white", "red", "green"]),
        (270, ["white", "red", "green", "blue"]),
    ],
)
def test_turns_are_counter_clockwise_and_sizes_are_after_them(
    tmp_path: Path, rotation: int, expected: list[str]
) -> None:
    source = saved(tmp_path, quarters(400, 200))
    sizes, image = made(source, tmp_path, replace(PLAIN, width=60, rotation=rotation))
    assert (sizes.width, sizes.height) == ((60, 30) if rotation % 180 == 0 else (60, 120))
    assert corners(image) == expected


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_thumbnails_are_upright(tmp_path: Path, orientation: int, suffix: str) -> None:
    # What undoes each orientation is what made it, but for the two quarter turns.
    turns = [
        None,
        Image.Transpose.FLIP_LEFT_RIGHT,
        Image.Transpose.ROTATE_180,
        Image.Transpose.FLIP_TOP_BOTTOM,
        Image.Transpose.TRANSPOSE,
        Image.Transpose.ROTATE_90,
        Image.Transpose.TRANSVERSE,
        Image.Transpose.ROTATE_270,
    ]
    turn = turns[orientation - 1]
    upright = quarters(400, 200)
    stored = upright.transpose(turn) if turn is not None else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"source.{suffix}"
    stored.save(path, exif=exif)

    sizes, image = made(path, tmp_path, replace(PLAIN, width=100))

    assert sizes == Made(100, 50, *stored.size)
    assert likeness(image, upright.resize((100, 50))) < 3
    facts = describe(path)
    assert (facts.width, facts.height, facts.exif_orientation) == (*stored.size, orientation)


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_real_photos_of_all_orientations_look_alike(tmp_path: Path, name: str) -> None:
    source = COLLECTION / name
    _, image = made(source, tmp_path, replace(PLAIN, width=300, height=300))
    reference = source.with_name(source.name[:-5] + "1.jpg")
    with Image.open(reference) as upright:
        assert likeness(image, upright.resize(image.size, Image.Resampling.LANCZOS)) < 12


def test_big_photos_are_decoded_small_without_looking_it(tmp_path: Path) -> None:
    with Image.open(SIDEWAYS) as image:
        expected = image.transpose(Image.Transpose.ROTATE_270).resize(
            (96, 54), Image.Resampling.LANCZOS
        )
    _, small = made(SIDEWAYS, tmp_path, replace(PLAIN, width=96))
    assert likeness(small, expected) < 2


def test_play_sign_stands_in_the_middle(tmp_path: Path) -> None:
    source = saved(tmp_path, Image.new("RGB", (200, 100), (200, 30, 30)))
    _, image = made(source, tmp_path, replace(PLAIN, poster=True))
    plain = Image.new("RGB", (200, 100), (200, 30, 30))
    box = ImageChops.difference(image.convert("RGB"), plain).getbbox()
    assert box is not None
    left, top, right, bottom = box
    assert abs(left + right - 200) <= 2
    assert abs(top + bottom - 100) <= 2
    assert 25 <= right - left <= 35
    middle = image.convert("RGB").getpixel((101, 50))
    assert isinstance(middle, tuple)
    assert min(middle) > 200


@pytest.mark.parametrize("format_name", ["jpeg", "gif", "png"])
@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (50, 50)])
def test_play_sign_on_any_size(tmp_path: Path, size: tuple[int, int], format_name: str) -> None:
    source = saved(tmp_path, Image.new("RGBA", size, (1, 2, 3, 255)))
    made(source, tmp_path, replace(PLAIN, poster=True, format=format_name))


def test_transparency_is_kept_or_becomes_white(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (0, 0, 20, 40))
    source = saved(tmp_path, clear)

    _, png = made(source, tmp_path, PLAIN)
    _, gif = made(source, tmp_path, replace(PLAIN, format="gif"))
    _, jpeg = made(source, tmp_path, replace(PLAIN, format="jpeg"))

    for image in (png, gif):
        assert image.convert("RGBA").getpixel((30, 20))[3] == 0  # type: ignore[index]
        assert image.convert("RGBA").getpixel((10, 20)) == (0, 0, 255, 255)
    white = jpeg.getpixel((35, 20))
    assert isinstance(white, tuple)
    assert min(white) > 245


def test_edges_of_transparent_pictures_do_not_bleed(tmp_path: Path) -> None:
    """Invisible pixels must not colour visible ones when scaled."""
    image = Image.new("RGBA", (400, 400), (0, 255, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 203, 400))
    _, small = made(saved(tmp_path, image), tmp_path, replace(PLAIN, width=40))
    pixels = np.asarray(small)
    assert pixels[..., 1][pixels[..., 3] > 0].max() <= 2


def test_sixteen_bits_become_eight_without_clipping(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (8, 1))
    source = saved(tmp_path, Image.fromarray(ramp))
    _, image = made(source, tmp_path, PLAIN)
    row = np.asarray(image.convert("L"), int)[4]
    assert np.abs(row - np.linspace(0, 255, 64)).max() <= 2


def test_colours_of_a_profile_become_srgb(tmp_path: Path) -> None:
    source = COLLECTION / "image/cmyk_profile.jpg"
    if not source.exists():
        pytest.skip("../shared/media is not there")
    with Image.open(source) as image:
        profile = ImageCms.ImageCmsProfile(BytesIO(image.info["icc_profile"]))
        srgb = ImageCms.createProfile("sRGB")
        full = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB")
        naive = image.convert("RGB").resize((250, 166))
    assert full is not None

    _, small = made(source, tmp_path, replace(PLAIN, width=250))

    assert likeness(small, full.resize(small.size, Image.Resampling.LANCZOS)) < 2
    assert likeness(small, naive) > 5
    assert "icc_profile" not in small.info


def test_broken_profile_is_no_reason_to_fail(tmp_path: Path) -> None:
    path = tmp_path / "source.png"
    quarters(40, 40).save(path, icc_profile=b"nonsense")
    _, image = made(path, tmp_path, PLAIN)
    assert corners(image) == ["red", "green", "blue", "white"]


@pytest.mark.parametrize("part", [0.05, 0.3, 0.9])
def test_picture_that_is_cut_off_is_refused(tmp_path: Path, part: float) -> None:
    whole = SIDEWAYS.read_bytes()
    path = tmp_path / "source.jpg"
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(BadMedia, match="cut off"):
        thumbnail(path, tmp_path / "thumb.jpg", replace(PLAIN, width=32, format="jpeg"))


def test_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "source.png"
    Image.new("1", (20_000, 20_000)).save(path)
    for use in (describe, lambda each: thumbnail(each, tmp_path / "thumb.png", PLAIN)):
        with pytest.raises(BadMedia, match="more than 200,000,000 pixels"):
            use(path)


def test_thumbnail_larger_than_sense_is_refused(tmp_path: Path) -> None:
    source = saved(tmp_path, Image.new("RGB", (10, 10)))
    with pytest.raises(BadMedia, match="16384 x 16384"):
        thumbnail(source, tmp_path / "thumb.png", replace(PLAIN, width=16_384))
