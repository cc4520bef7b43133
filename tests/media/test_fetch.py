"""What a hostile, lying or broken server can do to a fetch."""

import asyncio
import datetime
import email.utils
import gzip
import os
import socket
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.media.fetch import Fetched, FetchFailed, FetchRefused, Policy, exchange
from services.media.fetch import fetch as fetch_with_progress
from tests.media.webserver import Say, Server, answer, dripping, endless, redirect

POLICY = Policy(max_bytes=100_000, max_seconds=10, allow_loopback=True)
STRICT = Policy(max_bytes=100_000, max_seconds=10)


async def fetch(url: str, target: Path, *, policy: Policy) -> Fetched:
    """Fetch without looking at the progress."""
    fetched = await fetch_with_progress(url, target, policy=policy, on_progress=lambda part: None)
    assert fetched is not None
    return fetched


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server().running() as running:
        yield running


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Answers to give for names, one look-up after the other; returns the log of look-ups."""

    def give(*answers: Sequence[str]) -> list[str]:
        left, asked = list(answers), []

        async def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
            asked.append(host)
            return [(0, 0, 0, "", (address, port)) for address in left.pop(0)]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
        return asked

    return give


async def test_a_file_comes_down_with_name_and_type(server: Server, tmp_path: Path) -> None:
    server.answers["/cat%20one.jpg?x=1"] = answer(
        b"meow" * 10_000, content_type="Image/JPEG; charset=binary"
    )
    target = tmp_path / "in"
    fetched = await fetch(server.url("/cat%20one.jpg?x=1#y"), target, policy=POLICY)
    assert (fetched.size, fetched.content_type) == (40_000, "image/jpeg")
    assert fetched.file_name == "cat one.jpg"
    assert target.read_bytes() == b"meow" * 10_000
    [head] = server.requests
    assert head.lower() == (
        f"get /cat%20one.jpg?x=1 http/1.1\r\nhost: 127.0.0.1:{server.port}\r\naccept: */*\r\n"
        "accept-encoding: identity\r\nconnection: close\r\nuser-agent: vitascope\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="holiday.mov"', "holiday.mov"),
        ("attachment; filename*=UTF-8''%C3%A9t%C3%A9.mov", "été.mov"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\temp\\\\film.mov"', "film.mov"),
        ("attachment", "path"),
        ("", "path"),
        (f'attachment; filename="{"a" * 300}.mov"', "a" * 196 + ".mov"),
    ],
)
async def test_a_name_has_no_folders(
    server: Server, tmp_path: Path, disposition: str, name: str
) -> None:
    server.answers["/some/path"] = answer(b"x", content_disposition=disposition)
    fetched = await fetch(server.url("/some/path"), tmp_path / "in", policy=POLICY)
    assert fetched.file_name == name


async def test_one_private_address_among_public_ones_is_refused(
    names: Callable[..., list[str]], tmp_path: Path
) -> None:
    names(["8.8.8.8", "10.0.0.1"])
    with pytest.raises(FetchRefused, match="not on the public internet"):
        await fetch("http://media.test/", tmp_path / "in", policy=STRICT)


async def test_a_name_is_looked_up_once(
    server: Server, names: Callable[..., list[str]], tmp_path: Path
) -> None:
    """A second look would give another address (DNS rebinding)."""
    asked = names(["127.0.0.1"], ["10.0.0.1"], ["10.0.0.1"])
    server.answers["/"] = answer(b"first")
    fetched = await fetch(server.url(host="media.test"), tmp_path / "in", policy=POLICY)
    assert fetched.size == 5
    assert asked == ["media.test"]
    assert f"host: media.test:{server.port}\r\n" in server.requests[0].lower()


async def test_the_next_address_is_tried(
    server: Server, names: Callable[..., list[str]], tmp_path: Path
) -> None:
    names(["127.0.0.99", "127.0.0.1"])
    server.answers["/"] = answer(b"second")
    fetched = await fetch(server.url(host="media.test"), tmp_path / "in", policy=POLICY)
    assert fetched.size == 6


async def test_redirects_are_followed(server: Server, tmp_path: Path) -> None:
    for number, status in enumerate(("301 x", "302 x", "303 x", "307 x", "308 x")):
        server.answers[f"/{number}"] = redirect(f"/{number + 1}", status)
    server.answers["/5"] = answer(b"end")
    fetched = await fetch(server.url("/0"), tmp_path / "in", policy=POLICY)
    assert (fetched.size, fetched.file_name) == (3, "5")


async def test_too_many_redirects_are_refused(server: Server, tmp_path: Path) -> None:
    server.answers["/"] = redirect("/")
    with pytest.raises(FetchRefused, match="more than 5 times"):
        await fetch(server.url(), tmp_path / "in", policy=POLICY)
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    "location",
    [
        *("http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd"),
        *("http://user:password@127.0.0.1/", "ftp://127.0.0.1/", "//192.168.0.1/a"),
    ],
)
async def test_every_hop_is_checked(server: Server, tmp_path: Path, location: str) -> None:
    server.answers["/"] = redirect(location)
    with pytest.raises(FetchRefused):
        await fetch(server.url(), tmp_path / "in", policy=POLICY)


async def test_a_second_name_is_looked_up_and_checked(
    server: Server, names: Callable[..., list[str]], tmp_path: Path
) -> None:
    asked = names(["127.0.0.1"], ["10.0.0.1"])
    server.answers["/"] = redirect("http://inside.test/")
    with pytest.raises(FetchRefused, match="not on the public internet"):
        await fetch(server.url(host="media.test"), tmp_path / "in", policy=POLICY)
    assert asked == ["media.test", "inside.test"]


CHUNKED: dict[str, Any] = {"content_length": "", "transfer_encoding": "chunked"}
GZIP: dict[str, Any] = {"content_encoding": "gzip"}
NO_LENGTH: dict[str, Any] = {"content_length": ""}


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        *(
            (answer(status=f"{status} x"), FetchRefused, f"answered with status {status}")
            for status in (203, 205, 206, 300, 304, 400, 401, 403, 404, 410, 416, 451, 501, 505)
        ),
        *(
            (answer(status=f"{status} x"), FetchFailed, f"answered with status {status}")
            for status in (408, 425, 429, 500, 502, 503, 504, 520)
        ),
        (answer(status="204 No Content", **NO_LENGTH), FetchRefused, "status 204"),
        (answer(status="302 Found"), FetchRefused, "status 302"),
        (answer(status="101 Upgrade", **NO_LENGTH), FetchFailed, "does not answer"),
        # Lengths that are not true.
        (answer(b"short", content_length="10"), FetchFailed, "broke off"),
        (answer(b"", content_length="100001"), FetchRefused, "larger than 100000 bytes"),
        (answer(b"", content_length="9" * 18), FetchRefused, "larger than 100000 bytes"),
        (answer(b"", content_length="-1"), FetchFailed, "does not answer as a web server"),
        (answer(b"", content_length="1, 2"), FetchFailed, "does not answer as a web server"),
        (answer(b"", content_length="0x10"), FetchFailed, "does not answer as a web server"),
        # Bodies that are too long, told or not.
        (answer(bytes(100_001)), FetchRefused, "larger than 100000 bytes"),
        (answer(bytes(100_001), **NO_LENGTH), FetchRefused, "larger than 100000 bytes"),
        (endless(bytes(1 << 14), answer(**NO_LENGTH)), FetchRefused, "larger than 100000 bytes"),
        (
            endless(b"4000\r\n" + bytes(1 << 14) + b"\r\n", answer(**CHUNKED)),
            *(FetchRefused, "larger than 100000 bytes"),
        ),
        # Compression.
        (answer(gzip.compress(bytes(10_000_000)), **GZIP), FetchRefused, "larger than"),
        (
            endless(gzip.compress(bytes(1 << 26)), answer(**NO_LENGTH, **GZIP)),
            *(FetchRefused, "larger than"),
        ),
        (answer(b"not gzip", **GZIP), FetchRefused, "does not compress as it says"),
        (answer(gzip.compress(b"half of it")[:-9], **GZIP), FetchRefused, "does not compress"),
        (answer(b"", **GZIP), FetchRefused, "does not compress as it says"),
        (answer(gzip.compress(b""), content_encoding="gzip, gzip"), FetchRefused, "not asked for"),
        (answer(b"x", content_encoding="br"), FetchRefused, "not asked for"),
        # Chunks that are none.
        (answer(b"zz\r\nabc\r\n", **CHUNKED), FetchFailed, "does not answer as a web server"),
        (answer(b"-5\r\nabc\r\n", **CHUNKED), FetchFailed, "does not answer as a web server"),
        (answer(b"f" * 30 + b"\r\nabc", **CHUNKED), FetchFailed, "does not answer as a web server"),
        (answer(b"3\r\nabcdef\r\n0\r\n\r\n", **CHUNKED), FetchFailed, "does not answer as a"),
        (answer(b"5\r\nabc", **CHUNKED), FetchFailed, "broke off"),
        (endless(b"1;" + b"x" * 999 + b"\r\na\r\n", answer(**CHUNKED)), FetchRefused, "far more"),
        (endless(b"x" * 999, answer(b"1;", **CHUNKED)), FetchFailed, "does not answer as a web"),
        (
            endless(b"a: b\r\n" * 999, answer(b"1\r\na\r\n0\r\n", **CHUNKED)),
            *(FetchFailed, "does not answer as a web server"),
        ),
        # Heads without an end, or no heads.
        (endless(b"x: y\r\n" * 999, b"HTTP/1.1 200 OK\r\n"), FetchRefused, "far more than a file"),
        (endless(b"x" * 999, b"HTTP/1.1 200 OK\r\n"), FetchRefused, "far more than a file"),
        (endless(b"x" * 999), FetchRefused, "far more than a file"),
        (endless(b"HTTP/1.1 100 Continue\r\n\r\n" * 99), FetchRefused, "far more than a file"),
        (endless(b"HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n" * 99), FetchRefused, "far more"),
        (b"", FetchFailed, "broke off"),
        (b"HTTP/1.1 200 OK\r\ncontent-le", FetchFailed, "broke off"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", FetchFailed, "does not answer as a web server"),
        (b"HTTP/1.1 200 OK\r\na\x00b: c\r\n\r\n", FetchFailed, "does not answer as a web"),
        # Redirects that smuggle headers, or lead nowhere.
        (redirect("/a\x00b"), FetchFailed, "does not answer as a web server"),
        (redirect("/a\x01b"), FetchRefused, "redirects to an address that is not valid"),
        (redirect("http://["), FetchRefused, "names no valid server"),
        (redirect("http://127.0.0.1:25/"), FetchRefused, "Port 25"),
        (redirect("data:text/plain,hello"), FetchRefused, "Only http and https"),
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
    with pytest.raises(FetchRefused, match="not on the public internet"):
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
    with pytest.raises(FetchFailed) as failed:
        await fetch(server.url(), tmp_path / "in", policy=POLICY)
    assert failed.value.retry_after == seconds


async def test_a_server_says_when_to_come_back_by_date(server: Server, tmp_path: Path) -> None:
    date = email.utils.formatdate(time.time() + 600, usegmt=True)
    server.answers["/"] = answer(status="429 Slow down", retry_after=date)
    with pytest.raises(FetchFailed) as failed:
        await fetch(server.url(), tmp_path / "in", policy=POLICY)
    assert failed.value.retry_after == pytest.approx(600, abs=30)


async def test_progress_is_told_where_the_length_is(server: Server, tmp_path: Path) -> None:
    policy = replace(POLICY, max_bytes=8 << 20)
    server.answers["/told"] = answer(bytes(4 << 20))
    server.answers["/untold"] = answer(bytes(4 << 20), **NO_LENGTH)
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
    with pytest.raises((FetchFailed, FetchRefused)):
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
    with pytest.raises(FetchFailed, match="another part of the file"):
        await fetch(server.url(), tmp_path / "in", policy=POLICY)
    assert len(server.requests) == 2


async def test_a_part_may_not_make_the_file_too_large(server: Server, tmp_path: Path) -> None:
    told = "bytes 20000-199999/200000"
    server.answers["/"] = [cut(20_000, etag='"v1"'), part(20_000, content_range=told)]
    with pytest.raises(FetchRefused, match="larger than"):
        await fetch(server.url(), tmp_path / "in", policy=POLICY)


async def test_a_download_that_breaks_again_and_again_is_given_up(
    server: Server, tmp_path: Path
) -> None:
    server.answers["/"] = cut(20_000, etag='"v1"')
    policy = replace(POLICY, max_resumes=2)
    with pytest.raises(FetchFailed, match="broke off"):
        await fetch(server.url(), tmp_path / "in", policy=policy)
    assert len(server.requests) == 3


async def test_every_hop_is_checked_again_when_going_on(server: Server, tmp_path: Path) -> None:
    server.answers["/"] = [cut(20_000, etag='"v1"'), redirect("http://10.0.0.1/")]
    with pytest.raises(FetchRefused, match="not on the public internet"):
        await fetch(server.url(), tmp_path / "in", policy=POLICY)


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
    with pytest.raises(FetchFailed, match=words):
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
    with pytest.raises(FetchFailed, match=r"longer than 0\.2 seconds"):
        await fetch(server.url("/silent"), tmp_path / "in", policy=policy)


async def test_nobody_there_may_be_asked_again(tmp_path: Path) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
        with pytest.raises(FetchFailed):
            await fetch(url, tmp_path / "in", policy=POLICY)


@pytest.mark.parametrize(
    ("code", "error"), [(socket.EAI_AGAIN, FetchFailed), (socket.EAI_NONAME, FetchRefused)]
)
async def test_a_name_that_is_not_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int, error: type[Exception]
) -> None:
    async def getaddrinfo(*_: object, **__: object) -> None:
        raise socket.gaierror(code, "")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    with pytest.raises(error):
        await fetch("http://nobody.test/", tmp_path / "in", policy=POLICY)


def authority(name: str, folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context for a host name, and the file that makes clients trust it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public


async def test_a_certificate_must_be_for_the_name_though_the_address_is_pinned(
    names: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tls, trusted = authority("media.test", tmp_path)
    names(*[["127.0.0.1"]] * 6)
    try:
        async with Server().running(tls) as server:
            server.answers["/"] = answer(b"safe")
            right = server.url(host="media.test", scheme="https")
            with pytest.raises(FetchRefused, match="has no valid certificate"):
                await fetch(right, tmp_path / "in", policy=POLICY)
            monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
            exchange._trusted_authorities.cache_clear()
            assert (await fetch(right, tmp_path / "in", policy=POLICY)).size == 4
            with pytest.raises(FetchRefused, match="certificate"):
                await fetch(right.replace("media", "other"), tmp_path / "in", policy=POLICY)
            # By its address nobody vouches for it, redirected to or not.
            server.answers["/to"] = redirect(server.url(scheme="https"))
            with pytest.raises(FetchRefused, match="certificate"):
                await fetch(right + "to", tmp_path / "in", policy=POLICY)
            assert (
                await fetch(f"https://media.test.:{server.port}/", tmp_path / "in", policy=POLICY)
            ).size == 4
    finally:
        exchange._trusted_authorities.cache_clear()
