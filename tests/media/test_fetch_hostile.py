"""What a hostile, lying or broken server can do to a fetch."""

import email.utils
import gzip
import socket
import time
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.chassis.outside import OutsideFailed, OutsideRefused, Policy
from tests.kit.webserver import Say, Server, answer, dripping, endless, redirect
from tests.media.fetching import POLICY, fetch

CHUNKED: dict[str, Any] = {"content_length": "", "transfer_encoding": "chunked"}
GZIP: dict[str, Any] = {"content_encoding": "gzip"}
NO_LENGTH: dict[str, Any] = {"content_length": ""}


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        *(
            (answer(status=f"{status} x"), OutsideRefused, f"answered with status {status}")
            for status in (203, 205, 206, 300, 304, 400, 401, 403, 404, 410, 416, 451, 501, 505)
        ),
        *(
            (answer(status=f"{status} x"), OutsideFailed, f"answered with status {status}")
            for status in (408, 425, 429, 500, 502, 503, 504, 520)
        ),
        (answer(status="204 No Content", **NO_LENGTH), OutsideRefused, "status 204"),
        (answer(status="302 Found"), OutsideRefused, "status 302"),
        (answer(status="101 Upgrade", **NO_LENGTH), OutsideFailed, "does not answer"),
        # Lengths that are not true.
        (answer(b"short", content_length="10"), OutsideFailed, "broke off"),
        (answer(b"", content_length="100001"), OutsideRefused, "larger than 100000 bytes"),
        (answer(b"", content_length="9" * 18), OutsideRefused, "larger than 100000 bytes"),
        (answer(b"", content_length="-1"), OutsideFailed, "does not answer as a web server"),
        (answer(b"", content_length="1, 2"), OutsideFailed, "does not answer as a web server"),
        (answer(b"", content_length="0x10"), OutsideFailed, "does not answer as a web server"),
        # Bodies that are too long, told or not.
        (answer(bytes(100_001)), OutsideRefused, "larger than 100000 bytes"),
        (answer(bytes(100_001), **NO_LENGTH), OutsideRefused, "larger than 100000 bytes"),
        (endless(bytes(1 << 14), answer(**NO_LENGTH)), OutsideRefused, "larger than 100000 bytes"),
        (
            endless(b"4000\r\n" + bytes(1 << 14) + b"\r\n", answer(**CHUNKED)),
            *(OutsideRefused, "larger than 100000 bytes"),
        ),
        # Compression.
        (answer(gzip.compress(bytes(10_000_000)), **GZIP), OutsideRefused, "larger than"),
        (
            endless(gzip.compress(bytes(1 << 26)), answer(**NO_LENGTH, **GZIP)),
            *(OutsideRefused, "larger than"),
        ),
        (answer(b"not gzip", **GZIP), OutsideRefused, "does not compress as it says"),
        (answer(gzip.compress(b"half of it")[:-9], **GZIP), OutsideRefused, "does not compress"),
        (answer(b"", **GZIP), OutsideRefused, "does not compress as it says"),
        (
            answer(gzip.compress(b""), content_encoding="gzip, gzip"),
            OutsideRefused,
            "not asked for",
        ),
        (answer(b"x", content_encoding="br"), OutsideRefused, "not asked for"),
        # Chunks that are none.
        (answer(b"zz\r\nabc\r\n", **CHUNKED), OutsideFailed, "does not answer as a web server"),
        (answer(b"-5\r\nabc\r\n", **CHUNKED), OutsideFailed, "does not answer as a web server"),
        (
            answer(b"f" * 30 + b"\r\nabc", **CHUNKED),
            OutsideFailed,
            "does not answer as a web server",
        ),
        (answer(b"3\r\nabcdef\r\n0\r\n\r\n", **CHUNKED), OutsideFailed, "does not answer as a"),
        (answer(b"5\r\nabc", **CHUNKED), OutsideFailed, "broke off"),
        (endless(b"1;" + b"x" * 999 + b"\r\na\r\n", answer(**CHUNKED)), OutsideRefused, "far more"),
        (endless(b"x" * 999, answer(b"1;", **CHUNKED)), OutsideFailed, "does not answer as a web"),
        (
            endless(b"a: b\r\n" * 999, answer(b"1\r\na\r\n0\r\n", **CHUNKED)),
            *(OutsideFailed, "does not answer as a web server"),
        ),
        # Heads without an end, or no heads.
        (
            endless(b"x: y\r\n" * 999, b"HTTP/1.1 200 OK\r\n"),
            OutsideRefused,
            "far more than a body",
        ),
        (endless(b"x" * 999, b"HTTP/1.1 200 OK\r\n"), OutsideRefused, "far more than a body"),
        (endless(b"x" * 999), OutsideRefused, "far more than a body"),
        (endless(b"HTTP/1.1 100 Continue\r\n\r\n" * 99), OutsideRefused, "far more than a body"),
        (
            endless(b"HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n" * 99),
            OutsideRefused,
            "far more",
        ),
        (b"", OutsideFailed, "broke off"),
        (b"HTTP/1.1 200 OK\r\ncontent-le", OutsideFailed, "broke off"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", OutsideFailed, "does not answer as a web server"),
        (b"HTTP/1.1 200 OK\r\na\x00b: c\r\n\r\n", OutsideFailed, "does not answer as a web"),
        # Redirects that smuggle headers, or lead nowhere.
        (redirect("/a\x00b"), OutsideFailed, "does not answer as a web server"),
        (redirect("/a\x01b"), OutsideRefused, "redirects to an address that is not valid"),
        (redirect("http://["), OutsideRefused, "names no valid server"),
        (redirect("http://127.0.0.1:25/"), OutsideRefused, "Port 25"),
        (redirect("data:text/plain,hello"), OutsideRefused, "Only http and https"),
    ],
)
async def test_servers_in_trouble_may_be_asked_again_others_not(
    server: Server, tmp_path: Path, said: bytes | Say, error: type[Exception], words: str
) -> None:
    server.answers["/?secret=1"] = said
    with pytest.raises(error, match=words) as refused:
        await fetch(server.url("/?secret=1"), tmp_path / "in", policy=POLICY)
    assert "secret" not in str(refused.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("said", "body"),
    [
        (answer(gzip.compress(b"packed"), **GZIP), b"packed"),
        (answer(zlib.compress(b"packed"), content_encoding="deflate"), b"packed"),
        (answer(b"plain", content_encoding="Identity"), b"plain"),
        (answer(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nt: u\r\n\r\n", **CHUNKED), b"abcde"),
        (answer(b"to the end", **NO_LENGTH), b"to the end"),
        (answer(b"exact and more", content_length="5"), b"exact"),
        (b"HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n" * 10 + answer(b"late"), b"late"),
        (answer(b""), b""),
    ],
)
async def test_odd_but_honest_answers_are_read(
    server: Server, tmp_path: Path, said: bytes, body: bytes
) -> None:
    server.answers["/"] = said
    await fetch(server.url(), tmp_path / "in", policy=POLICY)
    assert (tmp_path / "in").read_bytes() == body


async def test_a_redirect_cannot_add_headers(server: Server, tmp_path: Path) -> None:
    """A line break in `Location` ends the header; percent-encoded it stays in the address."""
    server.answers["/"] = redirect("/next%0d%0ax-evil:%201\r\nx-other: 1")
    server.answers["/next%0d%0ax-evil:%201"] = answer(b"file")
    assert (await fetch(server.url(), tmp_path / "in", policy=POLICY)).size == 4
    assert "x-evil: 1" not in server.requests[1]
    assert "x-other" not in server.requests[1]


async def test_cookies_are_not_kept(server: Server, tmp_path: Path) -> None:
    server.answers["/"] = answer(status="302 x", location="/next", set_cookie="a=b; Path=/")
    server.answers["/next"] = answer(b"file", set_cookie="c=d")
    await fetch(server.url(), tmp_path / "in", policy=POLICY)
    await fetch(server.url(), tmp_path / "in", policy=POLICY)
    assert len(server.requests) == 4
    assert not any("cookie" in head.lower() for head in server.requests)


async def test_proxies_of_the_environment_are_not_used(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, server.url())
    with pytest.raises(OutsideRefused, match="not on the public internet"):
        await fetch("http://10.0.0.1/", tmp_path / "in", policy=POLICY)
    assert server.requests == []


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("120", 120), ("0", 0), ("999999999", 86_400), ("soon", None), ("-5", None), ("", None)],
)
async def test_a_server_says_when_to_come_back(
    server: Server, tmp_path: Path, value: str, seconds: float | None
) -> None:
    server.answers["/"] = answer(status="503 Away", retry_after=value)
    with pytest.raises(OutsideFailed) as failed:
        await fetch(server.url(), tmp_path / "in", policy=POLICY)
    assert failed.value.retry_after == seconds


async def test_a_server_says_when_to_come_back_by_date(server: Server, tmp_path: Path) -> None:
    date = email.utils.formatdate(time.time() + 600, usegmt=True)
    server.answers["/"] = answer(status="429 Slow down", retry_after=date)
    with pytest.raises(OutsideFailed) as failed:
        await fetch(server.url(), tmp_path / "in", policy=POLICY)
    assert failed.value.retry_after == pytest.approx(600, abs=30)


@pytest.mark.parametrize(
    ("said", "limits", "words"),
    [
        # Something now and then, so that it is never silent.
        (
            dripping(b"x", 0.02, answer(**NO_LENGTH)),
            *({"rate_seconds": 0.2}, "sends too slowly"),
        ),
        (dripping(b"x", 0.02, answer(**NO_LENGTH)), {"max_seconds": 0.3}, r"longer than 0\.3 sec"),
        (dripping(b"x", 0.02, b"HTTP/1.1 200 OK\r\nx: "), {"answer_seconds": 0.3}, "in time"),
        (
            dripping(b"HTTP/1.1 100 Continue\r\n\r\n", 0.02),
            *({"answer_seconds": 0.3}, "does not answer in time"),
        ),
        (dripping(b"", 5, answer(content_length="9")), {"silence_seconds": 0.2}, "in time"),
        (dripping(b"", 5), {"silence_seconds": 0.2}, "does not answer in time"),
    ],
)
async def test_dripping_servers_are_left(
    server: Server, tmp_path: Path, said: Say, limits: dict[str, Any], words: str
) -> None:
    server.answers["/"] = said
    begun = time.monotonic()
    with pytest.raises(OutsideFailed, match=words):
        await fetch(server.url(), tmp_path / "in", policy=replace(POLICY, **limits))
    assert time.monotonic() - begun < 3


async def test_the_body_of_a_redirect_is_not_read(server: Server, tmp_path: Path) -> None:
    server.answers["/endless"] = endless(
        bytes(1 << 14), answer(status="302 x", location="/file", content_length="")
    )
    server.answers["/file"] = answer(b"file")
    assert (await fetch(server.url("/endless"), tmp_path / "in", policy=POLICY)).size == 4


async def test_time_is_limited(server: Server, tmp_path: Path) -> None:
    server.answers["/silent"] = dripping(b"", 9, answer(content_length="10"))
    policy = Policy(max_bytes=100, max_seconds=0.2, allow_loopback=True)
    with pytest.raises(OutsideFailed, match=r"longer than 0\.2 seconds"):
        await fetch(server.url("/silent"), tmp_path / "in", policy=policy)


async def test_nobody_there_may_be_asked_again(tmp_path: Path) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
        with pytest.raises(OutsideFailed):
            await fetch(url, tmp_path / "in", policy=POLICY)
