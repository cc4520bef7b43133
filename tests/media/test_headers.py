"""Ranges, validators, names and types, against what the RFCs say."""

import re
from email.message import Message
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.media.model.files import RangeNotSatisfiable, display_name
from services.media.model.headers import (
    ByteRange,
    content_disposition,
    content_type_of,
    is_known,
    parse_range,
    range_applies,
)

SIZES = st.integers(1, 2**50)
POSITIONS = st.integers(0, 2**60)


@given(SIZES, POSITIONS, POSITIONS)
def test_a_range_with_both_ends(size: int, first: int, last: int) -> None:
    header = f"bytes={first}-{last}"
    if last < first:
        assert parse_range(header, size) is None
    elif first >= size:
        with pytest.raises(RangeNotSatisfiable) as refusal:
            parse_range(header, size)
        assert refusal.value.metadata["http-header-content-range"] == f"bytes */{size}"
    else:
        assert parse_range(header, size) == ByteRange(first, min(last + 1, size), size)


@given(SIZES, st.integers(1, 2**60))
def test_the_last_bytes(size: int, count: int) -> None:
    assert parse_range(f"bytes=-{count}", size) == ByteRange(max(0, size - count), size, size)


@given(SIZES, st.data())
def test_an_open_range(size: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, size - 1))
    assert parse_range(f"Bytes={first}-", size) == ByteRange(first, size, size)


@given(st.text() | st.from_regex(r"bytes=[0-9, -]*"), st.integers(0, 1000))
def test_any_header_gives_a_range_inside_the_file_or_none(header: str, size: int) -> None:
    try:
        part = parse_range(header, size)
    except RangeNotSatisfiable:
        return
    assert part is None or 0 <= part.start < part.end <= size == part.size


@pytest.mark.parametrize(
    "header", ["", "bytes", "bytes=", "bytes=-", "bytes=1", "bytes=1-2,4-5", "bytes=+1-2",
               "bytes=1 - 2", "bytes=١-٢", "bytes=0x1-2", "items=0-1", "bytes=0-" + "9" * 5000]
)  # fmt: skip
def test_headers_that_ask_for_nothing_we_give(header: str) -> None:
    assert parse_range(header, 100) is None


def test_no_bytes_at_the_end_are_no_range() -> None:
    with pytest.raises(RangeNotSatisfiable):
        parse_range("bytes=-0", 100)


def test_an_empty_file_has_no_ranges() -> None:
    assert parse_range("bytes=0-", 0) is None


def test_empty_members_of_a_list_of_ranges_do_not_count() -> None:
    assert parse_range("bytes= ,1-2 ,", 100) == ByteRange(1, 3, 100)


@pytest.mark.parametrize(
    ("header", "known"),
    [
        ('"abc"', True),
        ('W/"abc"', True),
        (' "x" ,"abc"', True),
        ('"x,y", W/"abc", "z"', True),
        ("*", True),
        ("abc", False),
        ('"ABC"', False),
        ('"abcd"', False),
        ('"x"', False),
        ("", False),
    ],
)
def test_known_tags(header: str, known: bool) -> None:
    assert is_known(header, '"abc"') is known


def test_a_range_counts_for_the_same_file_only() -> None:
    assert range_applies("", '"abc"')
    assert range_applies('"abc"', '"abc"')
    for other in ('W/"abc"', '"abd"', "Sun, 22 Nov 2026 06:00:00 GMT"):
        assert not range_applies(other, '"abc"')


@given(st.text(min_size=1))
def test_a_name_arrives_as_it_left(name: str) -> None:
    name = display_name(name)
    header = content_disposition(name)
    assert re.fullmatch(r"[ -~]+", header), "a header is one line of ASCII"
    found = re.fullmatch(r"attachment; filename=\"([^\"\\]*)\"; filename\*=UTF-8''(\S+)", header)
    assert found
    assert unquote(found[2], errors="strict") == name
    assert len(found[1]) == len(name)


def test_a_mail_reader_understands_the_header() -> None:
    message = Message()
    message["Content-Disposition"] = content_disposition("plain; name.mp4")
    assert message.get_content_disposition() == "attachment"
    assert message.get_param("filename", header="content-disposition") == "plain; name.mp4"


@given(st.text())
def test_a_display_name_is_no_path(name: str) -> None:
    shown = display_name(name)
    assert 0 < len(shown) <= 255
    assert not set("/\\\0\r\n") & set(shown)


def test_the_end_of_a_long_name_is_kept() -> None:
    assert display_name("x" * 300 + ".mp4").endswith("x.mp4")


@pytest.mark.parametrize(
    ("declared", "file_name", "expected"),
    [
        ("video/mp4", "a.mov", "video/mp4"),
        ('text/plain; charset="utf-8"', "a", 'text/plain; charset="utf-8"'),
        ("application/octet-stream", "a.MP4", "video/mp4"),
        ("", "a.mov", "video/quicktime"),
        ("", "a b%.mxf", "application/mxf"),
        ("", "a.mts", "video/mp2t"),
        ("", "a:b?c#d.mkv", "video/x-matroska"),
        ("", "unknown", "application/octet-stream"),
        ("", "data:text/html,x", "application/octet-stream"),
        ("video", "a", "application/octet-stream"),
        ("text/html\r\nX-Evil: 1", "a", "application/octet-stream"),
        ("x/" + "y" * 300, "a", "application/octet-stream"),
    ],
)
def test_types(declared: str, file_name: str, expected: str) -> None:
    assert content_type_of(declared, file_name) == expected
