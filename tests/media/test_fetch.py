"""Which addresses are read, which are not, and what a hostile server can do."""

import asyncio
import datetime
import gzip
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.media import fetch as module
from services.media.fetch import Fetched, FetchFailed, FetchRefused, Policy, fetch

POLICY = Policy(max_bytes=100_000, max_seconds=10, allow_loopback=True)
STRICT = Policy(max_bytes=100_000, max_seconds=10)

Answers = dict[str, bytes]


def answer(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """A whole HTTP response; `content_length` and the like become headers."""
    lines = {"content-length": str(len(body)), "connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def redirect(to: str, status: str = "302 Found") -> bytes:
    return answer(status=status, location=to)


class Server:
    """Says by path what it was told to say; remembers the heads of the requests."""

    def __init__(self) -> None:
        self.answers: Answers = {}
        self.requests: list[str] = []
        self.port = 0

    def url(self, path: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.requests.append(head)
        path = head.split()[1]
        said = self.answers.get(path, answer(status="404 Not Found"))
        writer.write(said)
        if path.startswith("/endless"):
            while not writer.is_closing():
                writer.write(bytes(1 << 14))
                try:
                    await writer.drain()
                except ConnectionError:
                    break
        elif path.startswith("/silent"):
            await reader.read()
        writer.close()

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None) -> AsyncIterator["Server"]:
        listening = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.port = listening.sockets[0].getsockname()[1]
        async with listening:
            yield self
            listening.close()


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
    fetched = await fetch(server.url("/cat%20one.jpg?x=1"), target, policy=POLICY)
    assert fetched == Fetched(40_000, "image/jpeg", "cat one.jpg")
    assert target.read_bytes() == b"meow" * 10_000
    assert f"host: 127.0.0.1:{server.port}\r\n" in server.requests[0].lower()


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


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
        "0.0.0.0",  # noqa: S104
        *("169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
        *("192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.0.1"),
        *("240.0.0.1", "255.255.255.255", "192.88.99.1"),
        # Other spellings of 127.0.0.1 that the system's resolver takes.
        *("2130706433", "0x7f000001", "127.1", "0"),
        *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::ffff:a9fe:a9fe]"),
        *("[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]"),
        *("[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]", "[fec0::1]", "[fc00::1]"),
        *("[fd00:ec2::254]", "[ff02::1]", "[2001:db8::1]", "[3fff::1]", "[5f00::1]", "[100::1]"),
        *("localhost", "LOCALHOST"),
    ],
)
async def test_what_is_not_public_is_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(FetchRefused, match="not on the public internet"):
        await fetch(f"http://{address}/", tmp_path / "in", policy=STRICT)


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "169.254.169.254", "[::ffff:10.0.0.1]", "[fd00:ec2::254]"),
        "0.0.0.0",  # noqa: S104
        *("[fe80::1]", "[::]"),
    ],
)
async def test_to_allow_loopback_allows_nothing_else(address: str, tmp_path: Path) -> None:
    with pytest.raises(FetchRefused, match="not on the public internet"):
        await fetch(f"http://{address}/", tmp_path / "in", policy=POLICY)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_the_public_internet_is_allowed(address: str) -> None:
    assert module._may_connect(ipaddress.ip_address(address), STRICT)


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "ftp://example.org/a", "gopher://127.0.0.1:25/_EHLO"),
        *("data:text/plain,hello", "javascript:alert(1)", "//example.org/a", "/etc/passwd"),
        *(
            "",
            "http://",
            "http:///a",
            "http://[::1",
            "http://127.0.0.1:99999/",
            "http://a\x00b/",
            "http://0177.0.0.1/",
        ),
        *("http://user:password@127.0.0.1/", "http://user@127.0.0.1/"),
    ],
)
async def test_what_is_no_plain_web_address_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(FetchRefused):
        await fetch(url, tmp_path / "in", policy=POLICY)


async def test_one_private_address_among_public_ones_is_refused(
    names: Callable[..., list[str]], tmp_path: Path
) -> None:
    names(["8.8.8.8", "10.0.0.1"])
    with pytest.raises(FetchRefused, match="not on the public internet"):
        await fetch("http://media.test/", tmp_path / "in", policy=STRICT)


async def test_a_name_is_looked_up_once(
    server: Server, names: Callable[..., list[str]], tmp_path: Path
) -> None:
    """A second look could give another address (DNS rebinding); here it would fail."""
    asked = names(["127.0.0.1"])
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
    assert fetched == Fetched(3, None, "5")


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


@pytest.mark.parametrize(
    ("path", "said", "error"),
    [
        ("/", answer(status="404 Not Found"), FetchRefused),
        ("/", answer(status="403 Forbidden"), FetchRefused),
        ("/", answer(status="204 No Content", content_length=""), FetchRefused),
        ("/", answer(status="304 Not Modified"), FetchRefused),
        ("/", answer(status="429 Too Many Requests"), FetchFailed),
        ("/", answer(status="500 Oops"), FetchFailed),
        ("/", answer(status="503 Away"), FetchFailed),
        ("/", answer(b"short", content_length="10"), FetchFailed),
        ("/", b"", FetchFailed),
        ("/", b"SSH-2.0-OpenSSH_9.2\r\n", FetchFailed),
        ("/", answer(bytes(100_001)), FetchRefused),
        ("/", answer(bytes(100_001), content_length=""), FetchRefused),
        ("/endless", answer(content_length=""), FetchRefused),
        ("/", answer(gzip.compress(bytes(10_000_000)), content_encoding="gzip"), FetchRefused),
        ("/", answer(b"not gzip", content_encoding="gzip"), FetchRefused),
        ("/", answer(gzip.compress(b""), content_encoding="gzip, gzip"), FetchRefused),
    ],
)
async def test_servers_in_trouble_may_be_asked_again_others_not(
    server: Server, tmp_path: Path, path: str, said: bytes, error: type[Exception]
) -> None:
    server.answers[path] = said
    with pytest.raises(error):
        await fetch(server.url(path), tmp_path / "in", policy=POLICY)
    assert len(server.requests) == 1


async def test_the_body_of_a_redirect_is_not_read(server: Server, tmp_path: Path) -> None:
    server.answers["/endless"] = answer(status="302 x", location="/file", content_length="")
    server.answers["/file"] = answer(b"file")
    assert (await fetch(server.url("/endless"), tmp_path / "in", policy=POLICY)).size == 4


async def test_time_is_limited(server: Server, tmp_path: Path) -> None:
    server.answers["/silent"] = answer(content_length="10")
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
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    module._trusted_authorities.cache_clear()
    names(["127.0.0.1"], ["127.0.0.1"])
    try:
        async with Server().running(tls) as server:
            server.answers["/"] = answer(b"safe")
            right = server.url(host="media.test", scheme="https")
            assert (await fetch(right, tmp_path / "in", policy=POLICY)).size == 4
            with pytest.raises(FetchRefused, match="certificate"):
                await fetch(right.replace("media", "other"), tmp_path / "in", policy=POLICY)
    finally:
        module._trusted_authorities.cache_clear()
