"""Multipart bodies, cut anywhere."""

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.multipart import FilePart, boundary_of, open_file
from gateway.problems import Refusal

BOUNDARY = b"cut"
FIELD = b'--cut\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
OTHER = b'--cut\r\nContent-Disposition: form-data; name="b"; filename="b"\r\n\r\nother\r\n'
END = b"--cut--\r\n"


def file_part(data: bytes, name: bytes = b"clip.mp4") -> bytes:
    head = b'--cut\r\nContent-Disposition: form-data; name="odd name"; filename="%s"\r\n' % name
    return head + b"Content-Type: video/mp4\r\n\r\n" + data + b"\r\n"


async def cut(body: bytes, places: list[int]) -> AsyncIterator[bytes]:
    edges = [0, *sorted(places), len(body)]
    for start, end in pairwise(edges):
        yield body[start:end]


async def read(body: bytes, places: list[int]) -> tuple[FilePart, bytes]:
    part, chunks = await open_file(BOUNDARY, cut(body, places))
    return part, b"".join([chunk async for chunk in chunks])


@given(st.lists(st.sampled_from([b"\r", b"\n", b"-", b"cut", b"x"]), max_size=12), st.data())
async def test_the_first_file_comes_out_whole_wherever_the_body_is_cut(
    pieces: list[bytes], data: st.DataObject
) -> None:
    content = b"".join(pieces)
    if b"\r\n--cut" in b"\r\n" + content:
        content = b""
    body = FIELD + file_part(content) + OTHER + END
    places = data.draw(st.lists(st.integers(0, len(body)), max_size=8))
    assert await read(body, places) == (FilePart("clip.mp4", "video/mp4"), content)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no file"),
        (FIELD + END, "no file"),
        (b"hello", "not multipart"),
        (file_part(b"data")[:-3], "ends before"),
        (file_part(b"data"), "ends before"),
        (b"--cut\r\n\x00: y\r\n\r\n", "not multipart"),
    ],
)
async def test_broken_bodies_are_told(body: bytes, said: str) -> None:
    with pytest.raises(Refusal, match=said) as caught:
        await read(body, [])
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"C:\\films\\a.mp4", "a.mp4"),
        (b"../../etc/passwd", "passwd"),
        ("\u00e9t\u00e9.mov".encode(), "\u00e9t\u00e9.mov"),
        (b"a\x01b", "ab"),
        (b"x" * 400, "x" * 255),
    ],
)
async def test_file_names_are_names_only(sent: bytes, kept: str) -> None:
    part, _ = await read(file_part(b"", sent) + END, [])
    assert part.name == kept


def test_boundaries() -> None:
    assert boundary_of("multipart/form-data; boundary=cut") == b"cut"
    assert boundary_of('multipart/form-data; boundary="a b"') == b"a b"
    assert boundary_of("multipart/form-data") is None
    assert boundary_of("application/json; boundary=cut") is None
    assert boundary_of("") is None
