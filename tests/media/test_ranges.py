"""Which bytes a Range header asks for, and the bodies that carry them (RFC 9110, 14)."""

from email import message_from_bytes
from email.policy import HTTP

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.media.model.files import RangeNotSatisfiable
from services.media.model.ranges import MAX_RANGES, ByteRange, body_of, parse_ranges

SIZES = st.integers(1, 2**50)
POSITIONS = st.integers(0, 2**60)
HEADERS = st.text() | st.from_regex(r"(?i)bytes=[0-9, \t-]*", fullmatch=True)


@given(SIZES, POSITIONS, POSITIONS)
def test_a_range_with_both_ends(size: int, first: int, last: int) -> None:
    header = f"bytes={first}-{last}"
    if last < first:
        assert parse_ranges(header, size) == ()
    elif first >= size:
        with pytest.raises(RangeNotSatisfiable) as refusal:
            parse_ranges(header, size)
        assert refusal.value.metadata["http-header-content-range"] == f"bytes */{size}"
    else:
        assert parse_ranges(header, size) == (ByteRange(first, min(last + 1, size), size),)


@given(SIZES, st.integers(1, 2**60))
def test_the_last_bytes(size: int, count: int) -> None:
    assert parse_ranges(f"bytes=-{count}", size) == (ByteRange(max(0, size - count), size, size),)


@given(SIZES, st.data())
def test_an_open_range(size: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, size - 1))
    assert parse_ranges(f"Bytes={first}-", size) == (ByteRange(first, size, size),)


@given(st.integers(1, 3000), st.lists(st.tuples(POSITIONS, POSITIONS), max_size=MAX_RANGES))
def test_several_ranges_cover_what_is_asked_for_once(
    size: int, asked: list[tuple[int, int]]
) -> None:
    pairs = [sorted((first % (size + 9), last % (size + 9))) for first, last in asked]
    wanted = {at for first, last in pairs for at in range(first, min(last + 1, size))}
    header = "bytes=" + ",".join(f"{first}-{last}" for first, last in pairs)
    if not wanted and pairs:
        with pytest.raises(RangeNotSatisfiable):
            parse_ranges(header, size)
        return
    given_out = [at for part in parse_ranges(header, size) for at in range(part.start, part.end)]
    assert len(set(given_out)) == len(given_out), "a byte is sent twice"
    assert wanted <= set(given_out)
    assert all(min(abs(at - each) for each in wanted) <= 80 for at in set(given_out) - wanted)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-9,500-509", [(0, 10), (500, 510)]),
        ("bytes=500-509, 0-9", [(500, 510), (0, 10)]),
        ("bytes=0-9,10-19", [(0, 20)]),
        ("bytes=0-9,5-700,2-3", [(0, 701)]),
        ("bytes=900-,0-0,-200", [(800, 1000), (0, 1)]),
        ("bytes=0-9,89-99", [(0, 100)]),
        ("bytes=0-9,91-99", [(0, 10), (91, 100)]),
        ("bytes=0-9,2000-3000,500-509", [(0, 10), (500, 510)]),
        ("bytes=2000-,0-0", [(0, 1)]),
        ("bytes=0-0,,5-5 \t, -1", [(0, 6), (999, 1000)]),
    ],
)
def test_ranges_keep_their_order_and_touching_ones_are_one(
    header: str, expected: list[tuple[int, int]]
) -> None:
    found = parse_ranges(header, 1000)
    assert [(part.start, part.end) for part in found] == expected


@given(HEADERS, st.integers(0, 1000))
@example("bytes=" + ",".join(["0-"] * 900), 1000)
@example("bytes=0-" + "9" * 3900, 1000)
@example("bytes=-" + "9" * 5000, 1000)
def test_any_header_gives_ranges_inside_the_file_or_none(header: str, size: int) -> None:
    try:
        ranges = parse_ranges(header, size)
    except RangeNotSatisfiable:
        return
    assert len(ranges) <= MAX_RANGES
    assert sum(map(len, ranges)) <= size
    assert all(0 <= part.start < part.end <= size == part.size for part in ranges)


@pytest.mark.parametrize(
    "header", ["", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=1", "bytes=1-2,5-4",
               "bytes=+1-2", "bytes=1 - 2", "bytes=١-٢", "bytes=0x1-2", "items=0-1",
               "bytes=0-" + "9" * 5000, "bytes=1-2,x",
               "bytes =1-2", "bytes=1-2;3-4", "bytes=\x001-2"]
)  # fmt: skip
def test_headers_that_ask_for_nothing_we_give(header: str) -> None:
    assert parse_ranges(header, 100) == ()


def test_more_ranges_than_are_honest_do_not_count() -> None:
    ranges = [f"{at}-{at}" for at in range(0, 100_000, 1000)]
    most = parse_ranges("bytes=" + ",".join(ranges[:MAX_RANGES]), 100_000)
    assert len(most) == MAX_RANGES
    assert parse_ranges("bytes=" + ",".join(ranges[: MAX_RANGES + 1]), 100_000) == ()


def test_no_bytes_at_the_end_are_no_range() -> None:
    with pytest.raises(RangeNotSatisfiable):
        parse_ranges("bytes=-0", 100)


def test_an_empty_file_has_no_ranges() -> None:
    assert parse_ranges("bytes=0-", 0) == ()


def test_a_body_of_one_range_is_just_its_bytes() -> None:
    whole = body_of("video/mp4", 10, (), "x")
    assert (whole.content_type, whole.pieces, len(whole)) == (
        "video/mp4",
        (ByteRange(0, 10, 10),),
        10,
    )
    part = body_of("video/mp4", 10, (ByteRange(2, 5, 10),), "x")
    assert (part.content_type, part.pieces, len(part)) == (
        "video/mp4",
        (ByteRange(2, 5, 10),),
        3,
    )


@given(st.binary(min_size=300, max_size=400), st.permutations([(0, 5), (90, 100), (200, 280)]))
def test_a_body_of_several_ranges_is_mime(data: bytes, pairs: list[tuple[int, int]]) -> None:
    ranges = [ByteRange(start, end, len(data)) for start, end in pairs]
    body = body_of('text/vtt; charset="utf-8"', len(data), ranges, "0123456789abcdef")
    sent = b"".join(
        data[piece.start : piece.end] if isinstance(piece, ByteRange) else piece
        for piece in body.pieces
    )
    assert len(sent) == len(body)
    whole = f"Content-Type: {body.content_type}\r\n\r\n".encode() + sent
    assert whole.endswith(b"\r\n--0123456789abcdef--\r\n")
    parts = whole.split(b"\r\n\r\n", 1)[1].split(b"--0123456789abcdef")[1:-1]
    for text, (start, end) in zip(parts, pairs, strict=True):
        head, _, content = text.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        headers = message_from_bytes(head + b"\r\n\r\n", policy=HTTP)
        assert headers["content-range"] == f"bytes {start}-{end - 1}/{len(data)}"
        assert headers["content-type"] == 'text/vtt; charset="utf-8"'
        assert content == data[start:end] + b"\r\n"
