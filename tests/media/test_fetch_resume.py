"""How far a download is, and how it goes on where it broke."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.chassis.outside import OutsideFailed, OutsideRefused
from services.media.fetch import fetch as fetch_with_progress
from tests.kit.webserver import Server, answer, redirect
from tests.media.fetching import POLICY, fetch


async def test_progress_is_told_where_the_length_is(server: Server, tmp_path: Path) -> None:
    policy = replace(POLICY, max_bytes=8 << 20)
    server.answers["/told"] = answer(bytes(4 << 20))
    server.answers["/untold"] = answer(bytes(4 << 20), content_length="")
    for path, expected in (("/told", [0.25, 0.5, 0.75, 1.0]), ("/untold", [])):
        parts: list[float] = []
        await fetch_with_progress(
            server.url(path), tmp_path / "in", policy=policy, on_progress=parts.append
        )
        assert parts == pytest.approx(expected, abs=0.05)


FILE = os.urandom(50_000)


def part(start: int, tag: str = '"v1"', body: bytes = FILE, **headers: Any) -> bytes:
    """The rest of the file, from a byte on."""
    told = f"bytes {start}-{len(body) - 1}/{len(body)}"
    return answer(body[start:], "206 Partial", etag=tag, **{"content_range": told, **headers})


def cut(at: int, **headers: Any) -> bytes:
    """The file, broken off at a byte."""
    return answer(FILE[:at], content_length=str(len(FILE)), **headers)


def ranges(server: Server) -> list[tuple[str, str]]:
    """What each request asked for: its Range and If-Range headers."""
    asked = []
    for head in server.requests:
        lines = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        asked.append((lines.get("range", ""), lines.get("if-range", "")))
    return asked


async def test_a_broken_download_goes_on_where_it_broke(server: Server, tmp_path: Path) -> None:
    broken = answer(FILE[20_000:30_000], "206 Partial", etag='"v1"', content_length="30000")
    broken = broken.replace(b"etag", b"content-range: bytes 20000-49999/50000\r\netag")
    away = answer(status="503 Away")
    server.answers["/"] = [cut(20_000, etag='"v1"'), broken, away, part(30_000)]
    fetched = await fetch(server.url(), tmp_path / "in", policy=POLICY)
    assert fetched.size == len(FILE)
    assert (tmp_path / "in").read_bytes() == FILE
    assert ranges(server) == [
        ("", ""),
        ("bytes=20000-", '"v1"'),
        ("bytes=30000-", '"v1"'),
        ("bytes=30000-", '"v1"'),
    ]


async def test_a_file_that_changed_is_read_anew(server: Server, tmp_path: Path) -> None:
    server.answers["/"] = [cut(40_000, etag='"v1"'), answer(b"new", etag='"v2"')]
    fetched = await fetch(server.url(), tmp_path / "in", policy=POLICY)
    assert fetched.size == 3
    assert (tmp_path / "in").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("first", "requests"),
    [
        # Without a tag, with a weak one, or with one that cannot be said again: nothing to go by.
        (cut(20_000), 1),
        (cut(20_000, etag='W/"v1"'), 1),
        (cut(20_000, etag="v1"), 1),
        (cut(20_000, etag='"v1"', content_encoding="gzip"), 1),
    ],
)
async def test_what_may_have_changed_is_not_patched_together(
    server: Server, tmp_path: Path, first: bytes, requests: int
) -> None:
    server.answers["/"] = [first, part(20_000)]
    with pytest.raises((OutsideFailed, OutsideRefused)):
        await fetch(server.url(), tmp_path / "in", policy=POLICY)
    assert len(server.requests) == requests


@pytest.mark.parametrize(
    "second",
    [
        part(20_000, tag='"v2"'),
        part(20_000, tag=""),
        part(19_999),
        part(20_000, content_range=""),
        part(20_000, content_range="bytes 20000-49999/*"),
        part(20_000, content_range="items 20000-49999/50000"),
    ],
)
async def test_another_part_than_asked_for_is_not_taken(
    server: Server, tmp_path: Path, second: bytes
) -> None:
    server.answers["/"] = [cut(20_000, etag='"v1"'), second]
    with pytest.raises(OutsideFailed, match="another part of the file"):
        await fetch(server.url(), tmp_path / "in", policy=POLICY)
    assert len(server.requests) == 2


async def test_a_part_may_not_make_the_file_too_large(server: Server, tmp_path: Path) -> None:
    told = "bytes 20000-199999/200000"
    server.answers["/"] = [cut(20_000, etag='"v1"'), part(20_000, content_range=told)]
    with pytest.raises(OutsideRefused, match="larger than"):
        await fetch(server.url(), tmp_path / "in", policy=POLICY)


async def test_a_download_that_breaks_again_and_again_is_given_up(
    server: Server, tmp_path: Path
) -> None:
    server.answers["/"] = cut(20_000, etag='"v1"')
    policy = replace(POLICY, max_resumes=2)
    with pytest.raises(OutsideFailed, match="broke off"):
        await fetch(server.url(), tmp_path / "in", policy=policy)
    assert len(server.requests) == 3


async def test_every_hop_is_checked_again_when_going_on(server: Server, tmp_path: Path) -> None:
    server.answers["/"] = [cut(20_000, etag='"v1"'), redirect("http://10.0.0.1/")]
    with pytest.raises(OutsideRefused, match="not on the public internet"):
        await fetch(server.url(), tmp_path / "in", policy=POLICY)
