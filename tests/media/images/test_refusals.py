"""What is no picture, or a damaged one, ends with a sentence that its sender understands."""

import io
import random
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from services.media.engine.failure import BadMedia
from services.media.engine.images.formats import (
    BAD_TIFF,
    DAMAGED,
    DOCUMENT,
    NOT_A_PICTURE,
    PAGE,
    SOUND,
    SVG,
    TEXT,
    UNREAD,
    VIDEO,
)
from services.media.engine.images.framing import frames
from services.media.engine.images.metadata import describe
from services.media.engine.images.thumbnail import Wanted, thumbnail
from tests.media.images.pictures import quarters, saved
from tests.media.material import COLLECTION, FILM, collection

SMALL = Wanted(width=64, height=64, crop=False, rotation=0, poster=False, format="jpeg")
LARGE = "The picture has more than 200,000,000 pixels."
EMPTY = "The file is empty."
SENTENCES = {
    *(NOT_A_PICTURE, BAD_TIFF, DAMAGED, DOCUMENT, PAGE, SOUND, SVG, TEXT, UNREAD, VIDEO),
    *(LARGE, EMPTY),
}
# Most of what fuzzers made is damaged; what is whole enough is read as far as it goes.
EXPECTED = {
    "hostile/bmp_reallybig.bmp": LARGE,
    "hostile/clearkey_encrypted.mp4": VIDEO,
    "hostile/corrupt_header.jpg": DAMAGED,
    "hostile/heif_negative_array.heif": DAMAGED,
    "hostile/heif_nullpointer.heif": DAMAGED,
    "hostile/malformed_join.mp3": SOUND,
    "hostile/no_initial_keyframe.ts": VIDEO,
    "hostile/png_65536x65536_limit.png": LARGE,
    "hostile/truncated.jpg": DAMAGED,
    "hostile/truncated.png": DAMAGED,
    "hostile_made/a b;c&d $(x).jpg": DAMAGED,
    "hostile_made/bomb_30000x30000_1bit.png": LARGE,
    "hostile_made/concat_named.mp4": TEXT,
    "hostile_made/hls_loopback.m3u8": TEXT,
    "hostile_made/html_named.jpg": PAGE,
    "hostile_made/jpeg_truncated_30pct.jpg": DAMAGED,
    "hostile_made/mvg_named.png": TEXT,
    "hostile_made/png_header_claims_2g.png": LARGE,
    "hostile_made/svg_entity.svg": SVG,
    "hostile_made/svg_local_image.svg": SVG,
    "hostile_made/svg_width_1e9.svg": SVG,
    "hostile_made/webm_cut_40pct.webm": VIDEO,
    "hostile_made/zero.jpg": EMPTY,
    "image/svg_check.svg": SVG,
    "image/svg_struct_suite.svg": SVG,
}


def refusal(path: Path, folder: Path) -> str | None:
    """The sentence that a file ends with, the same whatever is made of it; None for a picture."""
    try:
        thumbnail(path, folder / "thumb.jpg", SMALL)
    except BadMedia as error:
        with pytest.raises(BadMedia, match=r"^Image 1 of 1 cannot be used: "):
            list(frames([path], (32, 32), crop=True))
        return str(error)
    describe(path)
    return None


@pytest.mark.parametrize(
    "name", collection("hostile", "image/svg", "video/chaplin", "html/", "image_photo/kodim")
)
def test_collection(tmp_path: Path, name: str) -> None:
    said = refusal(COLLECTION / name, tmp_path)
    if name in EXPECTED:
        assert said == EXPECTED[name]
    assert said is None or said in SENTENCES
    no_pictures = ("video/", "html/", ".mp4", ".mp3", ".ts", ".m3u8", ".mpd", ".html", ".svg")
    assert said is not None or not name.startswith(no_pictures) | name.endswith(no_pictures)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", EMPTY),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", SVG),
        (b"<?xml version='1.0'?><!-- a --><!DOCTYPE svg PUBLIC 'a' 'b'><svg/>", SVG),
        (b"<?xml version='1.0'?><?xml-stylesheet a?><!-- b --> <svg/>", SVG),
        (b"<!---->" * 500, TEXT),
        (b"<!doctype HTML><p>No.", PAGE),
        (b"push graphic-context", TEXT),
        ("Grüße".encode(), TEXT),
        (b"%PDF-1.7 ...", DOCUMENT),
        (b"PK\x03\x04....", DOCUMENT),
        (b"%!PS-Adobe-3.0 EPSF-3.0", UNREAD),
        (b"\0\0\0\x0cJXL \r\n\x87\n", UNREAD),
        (b"\xff\x0a\xfa\x7f", UNREAD),
        (b"8BPS\0\x01", UNREAD),
        (b"\x89PNG\r\n\x1a\n", DAMAGED),
        (b"II*\0\x08\0\0\0", BAD_TIFF),
        (b"\0\0\0\x20ftypheic", DAMAGED),
        (b"ID3\x04\0\0\0", SOUND),
        (b"\x1a\x45\xdf\xa3\0", VIDEO),
        (bytes(range(32)), NOT_A_PICTURE),
    ],
)
def test_what_it_is_instead(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "source.png"
    path.write_bytes(content)
    for use in (describe, lambda each: thumbnail(each, tmp_path / "thumb.jpg", SMALL)):
        with pytest.raises(BadMedia) as refused:
            use(path)
        assert str(refused.value) == said


@pytest.mark.parametrize(
    ("tag", "usual", "other"),
    [(262, 2, 32803), (259, 1, 50001)],
    ids=["unknown colours", "unknown compression"],
)
def test_unknown_kind_of_tiff(tmp_path: Path, tag: int, usual: int, other: int) -> None:
    """It may be whole: that is not to be denied."""
    path = saved(tmp_path, quarters(48, 32), "tif")
    entry, changed = (struct.pack("<HHIHH", tag, 3, 1, each, 0) for each in (usual, other))
    whole = path.read_bytes()
    assert entry in whole
    path.write_bytes(whole.replace(entry, changed))
    assert refusal(path, tmp_path) == BAD_TIFF


def test_video_is_no_picture(tmp_path: Path) -> None:
    assert refusal(FILM, tmp_path) == VIDEO


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "webp", "tif", "bmp", "avif", "jp2"])
def test_bytes_changed_at_random(tmp_path: Path, suffix: str) -> None:
    """Whatever decoders make of it, nothing but a picture or a sentence comes out."""
    path = tmp_path / f"source.{suffix}"
    quarters(48, 32).save(path)
    whole = path.read_bytes()
    chance = random.Random(suffix)  # noqa: S311 - the same bytes every time
    for _ in range(60):
        changed = bytearray(whole[: chance.randint(len(whole) // 2, len(whole))])
        for _ in range(chance.randint(1, 8)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        path.write_bytes(changed)
        assert refusal(path, tmp_path) in SENTENCES | {None}


def test_one_pixel_of_everything(tmp_path: Path) -> None:
    for suffix in ("jpg", "png", "gif", "webp", "tif", "bmp", "avif"):
        buffer = io.BytesIO()
        Image.new("RGB", (1, 1)).save(buffer, {"jpg": "jpeg", "tif": "tiff"}.get(suffix, suffix))
        path = tmp_path / "source"
        path.write_bytes(buffer.getvalue())
        assert thumbnail(path, tmp_path / "t.gif", replace(SMALL, format="gif")).width == 64
