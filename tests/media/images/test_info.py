"""What pictures say about themselves, beside what ExifTool reads."""

from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image, TiffImagePlugin

from services.media.engine.images.metadata import ImageFacts, describe
from tests.media.images.pictures import saved
from tests.media.material import COLLECTION, SIDEWAYS, collection
from tests.media.oracles import exiftool

NO_PICTURES = ("image/svg_check.svg", "image/svg_struct_suite.svg", "image_faces/faces_boxes.tsv")
CAMERA = ("DateTimeOriginal", "Flash", "FocalLength", "ISO", "ExposureTime")


def exif(shot: Mapping[Any, Any], **others: Any) -> Image.Exif:
    """Tags, those of the shot and others by their names."""
    tags = Image.Exif()
    tags[ExifTags.IFD.Exif] = dict(shot)
    for name, value in others.items():
        tags[ExifTags.Base[name]] = value
    return tags


def described(folder: Path, tags: Image.Exif, suffix: str = "jpg") -> ImageFacts:
    """The facts of a picture with such tags."""
    path = folder / f"tagged.{suffix}"
    Image.new("RGB", (64, 32)).save(path, exif=tags.tobytes())
    return describe(path)


def test_facts_of_a_photo() -> None:
    assert describe(SIDEWAYS) == ImageFacts(
        content_type="image/jpeg",
        width=540,
        height=960,
        alpha=False,
        exif_orientation=6,
        rotation=270.0,
        date_time="2008:04:10 12:00:00",
        flash=True,
        focal_length=35.0,
        iso_speed=200.0,
        exposure_time=0.008,
    )


@pytest.mark.parametrize("name", collection("image", without=NO_PICTURES))
def test_facts_are_those_that_exiftool_reads(name: str) -> None:
    path = COLLECTION / name
    facts = describe(path)
    told = exiftool(path, "MIMEType", "ImageWidth", "ImageHeight", "EXIF:Orientation")
    shot = exiftool(path, *(f"EXIF:{tag}" for tag in CAMERA))

    assert facts.content_type == told["MIMEType"].replace("x-j2c", "j2c")
    assert (facts.width, facts.height) == (told["ImageWidth"], told["ImageHeight"])
    assert facts.exif_orientation == told.get("Orientation")
    flash = shot.get("Flash")
    assert facts.flash == (None if flash is None else bool(flash & 1))
    date = shot.get("DateTimeOriginal")
    assert facts.date_time == (None if date == "0000:00:00 00:00:00" else date)
    ours = (facts.focal_length, facts.iso_speed, facts.exposure_time)
    assert ours == pytest.approx(tuple(shot.get(tag) for tag in CAMERA[2:]))


def test_example_of_the_document(tmp_path: Path) -> None:
    """Its numbers are those of the tags, whatever their sense: nobody shoots at 2.8 m."""
    tags = exif(
        {
            ExifTags.Base.DateTimeOriginal: "2009:11:02 01:21:55",
            ExifTags.Base.Flash: 16,
            ExifTags.Base.FocalLength: TiffImagePlugin.IFDRational(2800, 1),
            ExifTags.Base.ISOSpeedRatings: 640,
            ExifTags.Base.ExposureTime: TiffImagePlugin.IFDRational(156, 100_000),
        }
    )
    path = tmp_path / "document.jpg"
    Image.new("RGB", (1918, 1320)).save(path, exif=tags)
    assert asdict(describe(path)) == {
        "exposure_time": 0.00156,
        "date_time": "2009:11:02 01:21:55",
        "content_type": "image/jpeg",
        "flash": False,
        "height": 1320,
        "width": 1918,
        "iso_speed": 640,
        "focal_length": 2800,
        "alpha": False,
        "rotation": None,
        "exif_orientation": None,
    }


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif"])
def test_tags_are_read_in_every_container(tmp_path: Path, suffix: str) -> None:
    tags = exif(
        {
            ExifTags.Base.DateTimeOriginal: "2020:02:29 23:59:59",
            ExifTags.Base.Flash: 9,
            ExifTags.Base.FocalLength: TiffImagePlugin.IFDRational(7, 2),
            ExifTags.Base.ISOSpeedRatings: 50,
            ExifTags.Base.ExposureTime: TiffImagePlugin.IFDRational(1, 3),
        },
        Orientation=8,
    )
    facts = described(tmp_path, tags, suffix)
    assert facts.date_time == "2020:02:29 23:59:59"
    assert (facts.exif_orientation, facts.rotation, facts.flash) == (8, 90, True)
    assert (facts.focal_length, facts.iso_speed) == (3.5, 50)
    assert facts.exposure_time == pytest.approx(float(Fraction(1, 3)))


@pytest.mark.parametrize("large", [False, True])
def test_tags_are_read_in_jpeg_2000(tmp_path: Path, large: bool) -> None:
    path = tmp_path / "tagged.jp2"
    Image.new("RGB", (64, 32)).save(path)
    tags = exif({ExifTags.Base.DateTimeOriginal: "2020:02:29 23:59:59"}, Orientation=6)
    block = b"uuidJpgTiffExif->JP2" + tags.tobytes().removeprefix(b"Exif\0\0")
    boxes = (len(block) + 4).to_bytes(4, "big") + block
    if large:
        boxes = b"\0\0\0\x01free" + (1000).to_bytes(8, "big") + bytes(984) + boxes
    # Ahead of the pixels, whose box may reach to the end of the file.
    whole = path.read_bytes()
    pixels = whole.index(b"jp2c") - 4
    path.write_bytes(whole[:pixels] + boxes + whole[pixels:])

    facts = describe(path)

    told = exiftool(path, "EXIF:Orientation", "EXIF:DateTimeOriginal")
    assert facts.exif_orientation == told["Orientation"] == 6
    assert facts.date_time == told["DateTimeOriginal"] == "2020:02:29 23:59:59"
    assert (facts.width, facts.height) == (64, 32)


@pytest.mark.parametrize("cut", range(0, 40, 3))
def test_broken_boxes_of_jpeg_2000_tell_nothing(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "tagged.jp2"
    Image.new("RGB", (64, 32)).save(path)
    block = b"uuidJpgTiffExif->JP2MM\0*\0\0\0\x08\xff\xff"[: cut + 4]
    path.write_bytes(path.read_bytes() + (5000).to_bytes(4, "big") + block)
    assert describe(path).exif_orientation is None


def test_facts_that_a_picture_does_not_tell_are_none(tmp_path: Path) -> None:
    facts = describe(saved(tmp_path, Image.new("RGBA", (3, 2))))
    silent = {key for key, value in asdict(facts).items() if value is None}
    assert silent == {
        "exif_orientation",
        "rotation",
        "date_time",
        "flash",
        "focal_length",
        "iso_speed",
        "exposure_time",
    }
    assert (facts.content_type, facts.width, facts.height, facts.alpha) == ("image/png", 3, 2, True)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2020:01:02 03:04:05", "2020:01:02 03:04:05"),
        ("2020-01-02T03:04:05Z", "2020-01-02T03:04:05Z"),
        ("0000:00:00 00:00:00", None),
        ("    :  :     :  :  ", None),
        ("yesterday", None),
        ("2020:01:02 " + "0" * 70_000, None),
    ],
)
def test_dates_are_dates(tmp_path: Path, written: str, read: str | None) -> None:
    tags = exif({ExifTags.Base.DateTimeOriginal: written})
    assert described(tmp_path, tags, "webp").date_time == read


def test_date_of_the_file_is_second_best(tmp_path: Path) -> None:
    later = exif({}, DateTime="2021:01:01 00:00:00")
    assert described(tmp_path, later).date_time == "2021:01:01 00:00:00"
    shot = {ExifTags.Base.DateTimeOriginal: "2020:01:01 00:00:00"}
    both = exif(shot, DateTime="2021:01:01 00:00:00")
    assert described(tmp_path, both).date_time == "2020:01:01 00:00:00"


@pytest.mark.parametrize(
    ("shot", "speed"),
    [
        ({ExifTags.Base.ISOSpeedRatings: 65_535, ExifTags.Base.ISOSpeed: 102_400}, 102_400),
        ({ExifTags.Base.ISOSpeedRatings: 65_535}, 65_535),
        ({ExifTags.Base.RecommendedExposureIndex: 400}, 400),
        ({ExifTags.Base.ISOSpeedRatings: (200, 0)}, 200),
        ({}, None),
    ],
)
def test_speeds_too_large_for_their_field(
    tmp_path: Path, shot: Mapping[Any, Any], speed: int | None
) -> None:
    assert described(tmp_path, exif(shot)).iso_speed == speed


def test_numbers_that_are_none_are_null(tmp_path: Path) -> None:
    tags = exif(
        {
            ExifTags.Base.FocalLength: TiffImagePlugin.IFDRational(0, 0),
            ExifTags.Base.ExposureTime: TiffImagePlugin.IFDRational(1, 0),
            ExifTags.Base.Flash: "on",
            ExifTags.Base.ISOSpeedRatings: "fast",
        }
    )
    facts = described(tmp_path, tags, "webp")
    assert (facts.focal_length, facts.exposure_time, facts.flash, facts.iso_speed) == (None,) * 4
