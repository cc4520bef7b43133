"""Small files that declare enormous contents end at once, with a word for their sender."""

import io
import re
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from services.media.engine.failure import BadMedia
from services.media.engine.images.metadata import describe
from services.media.engine.images.thumbnail import Wanted, thumbnail
from services.media.engine.probe import probe
from tests.media.hostile import box, changed, film, png
from tests.media.material import unheard

SMALL = Wanted(width=64, height=None, crop=False, rotation=0, poster=False, format="png")
TOO_MANY_PIXELS = "The picture has more than 200,000,000 pixels."


@contextmanager
def at_once() -> Iterator[None]:
    """Within two seconds of processor time."""
    begun = time.process_time()
    yield
    assert time.process_time() - begun < 2


def encoded(file_format: str) -> bytes:
    """A grey picture of 64 x 64 pixels."""
    buffer = io.BytesIO()
    Image.new("L", (64, 64)).save(buffer, file_format)
    return buffer.getvalue()


def with_size(picture: bytes, mark: bytes, offset: int, layout: str, *sizes: int) -> bytes:
    """A picture whose header, some bytes behind a mark, declares another size."""
    place = picture.index(mark) + offset
    told = struct.pack(layout, *sizes)
    return picture[:place] + told + picture[place + len(told) :]


def gif(width: int, height: int) -> bytes:
    return with_size(encoded("GIF"), b"GIF8", 6, "<HH", width, height)


def tiff(width: int, height: int) -> bytes:
    sized = with_size(encoded("TIFF"), struct.pack("<HHI", 256, 4, 1), 8, "<I", width)
    return with_size(sized, struct.pack("<HHI", 257, 4, 1), 8, "<I", height)


def webp(width: int, height: int) -> bytes:
    header = b"\x2f" + struct.pack("<I", width - 1 | height - 1 << 14)
    body = b"WEBPVP8L" + struct.pack("<I", 10) + header + bytes(5)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg(width: int, height: int) -> bytes:
    return with_size(encoded("JPEG"), b"\xff\xc0", 5, ">HH", height, width)


def bmp(width: int, height: int) -> bytes:
    return with_size(encoded("BMP"), b"BM", 18, "<ii", width, height)


def avif(width: int, height: int) -> bytes:
    return with_size(encoded("AVIF"), b"ispe", 8, ">II", width, height)


def jpeg2000(width: int, height: int) -> bytes:
    sized = with_size(encoded("JPEG2000"), b"ihdr", 4, ">II", height, width)
    return with_size(sized, b"\xff\x51", 6, ">II", width, height)


@pytest.mark.parametrize(
    ("made", "size", "words"),
    [
        *(
            (made, (30_000, 30_000), TOO_MANY_PIXELS)
            for made in (png, gif, tiff, jpeg, bmp, jpeg2000)
        ),
        (png, (2**31 - 1, 2**31 - 1), TOO_MANY_PIXELS),
        (webp, (16_383, 16_383), TOO_MANY_PIXELS),
        # Its decoder has a limit of its own.
        (avif, (30_000, 30_000), "The picture is damaged or cut off."),
    ],
)
def test_a_picture_with_too_many_pixels(
    tmp_path: Path, made: Callable[[int, int], bytes], size: tuple[int, int], words: str
) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(made(*size))
    for read in (describe, lambda path: thumbnail(path, tmp_path / "small", SMALL)):
        with at_once(), pytest.raises(BadMedia, match=re.escape(words)):
            read(path)


def test_a_bomb_of_pixels_that_are_all_there(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png(30_000, 30_000, zlib.compress(bytes(3751 * 30_000), 9)))
    assert path.stat().st_size < 200_000
    with at_once(), pytest.raises(BadMedia, match=TOO_MANY_PIXELS):
        describe(path)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_texts_and_profiles_that_unfold(tmp_path: Path) -> None:
    """A PNG's text and colour profile are compressed too."""
    whole = png(8, 8, zlib.compress(bytes(16)))
    unfolding = zlib.compress(bytes(100_000_000), 9)
    for bomb in (chunk(b"zTXt", b"k\0\0" + unfolding) * 20, chunk(b"iCCP", b"k\0\0" + unfolding)):
        path = tmp_path / "bomb.png"
        path.write_bytes(whole[:33] + bomb + whole[33:])
        with at_once(), pytest.raises(BadMedia, match="damaged"):
            describe(path)


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_many_frames_one_is_read(tmp_path: Path, file_format: str) -> None:
    path = tmp_path / "many"
    frames = [Image.new("L", (400, 400), shade % 256) for shade in range(500)]
    frames[0].save(path, file_format, save_all=True, append_images=frames[1:])
    with at_once():
        assert describe(path).width == 400
        thumbnail(path, tmp_path / "small", SMALL)


def test_a_directory_of_pictures_that_goes_in_circles(tmp_path: Path) -> None:
    made = encoded("TIFF")
    (first,) = struct.unpack_from("<I", made, 4)
    (entries,) = struct.unpack_from("<H", made, first)
    path = tmp_path / "circle.tiff"
    path.write_bytes(with_size(made, made[:4], first + 2 + 12 * entries, "<I", first))
    with at_once():
        thumbnail(path, tmp_path / "small", SMALL)


def one_value(count: int, value: int) -> Callable[[bytes], bytes]:
    """A table of an ISO file with one entry: so many samples of the same kind."""
    return lambda _: struct.pack(">IIII", 0, 1, count, value)


def many_tracks(mp4: bytes) -> bytes:
    return changed(mp4, b"moov", lambda body: body + body[body.index(b"trak") - 4 :] * 200)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda mp4: changed(mp4, b"stts", one_value(10**9, 1)), "declares 1,000,000,000 frames"),
        (lambda mp4: changed(mp4, b"stts", one_value(10, 2**31 - 1)), "longer than 24 hours"),
        (
            lambda mp4: changed(mp4, b"stsz", lambda _: struct.pack(">III", 0, 0, 10) + bytes(40)),
            "none of its frames can be read",
        ),
        (many_tracks, "too many streams"),
        (
            lambda _: b"YUV4MPEG2 W10000 H10000 F25:1 C420\nFRAME\n",
            "10000 x 10000 pixels is larger than what can be handled",
        ),
        (lambda _: b"YUV4MPEG2 W30000 H30000 F25:1 C420\nFRAME\n", "not a video"),
        (lambda _: box(b"ftyp", b"isom") + box(b"moov", b"\xff" * 1000), "damaged or cut off"),
        (lambda _: box(b"moov") * 8, "damaged or cut off|no video"),
    ],
)
def test_a_film_that_declares_more_than_it_holds(
    tmp_path: Path, change: Callable[[bytes], bytes], words: str
) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(change(film(tmp_path)))
    with at_once(), pytest.raises(BadMedia, match=words):
        probe(path, unheard)


def test_boxes_in_boxes_without_an_end(tmp_path: Path) -> None:
    """A parser that calls itself for each would run out of stack."""
    nested = b""
    for _ in range(20_000):
        nested = box(b"moov", nested[-1 << 16 :])
    path = tmp_path / "bomb.mp4"
    path.write_bytes(box(b"ftyp", b"isom") + nested)
    with at_once(), pytest.raises(BadMedia):
        probe(path, unheard)
