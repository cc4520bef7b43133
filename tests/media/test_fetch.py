"""Files from addresses: names looked up once, every hop checked, certificates asked for."""

import asyncio
import datetime
import socket
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.chassis.outside import OutsideFailed, OutsideRefused, exchange
from tests.kit.webserver import Server, answer, redirect
from tests.media.fetching import POLICY, STRICT, fetch


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
    with pytest.raises(OutsideRefused, match="not on the public internet"):
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
    with pytest.raises(OutsideRefused, match="more than 5 times"):
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
    with pytest.raises(OutsideRefused):
        await fetch(server.url(), tmp_path / "in", policy=POLICY)


async def test_a_second_name_is_looked_up_and_checked(
    server: Server, names: Callable[..., list[str]], tmp_path: Path
) -> None:
    asked = names(["127.0.0.1"], ["10.0.0.1"])
    server.answers["/"] = redirect("http://inside.test/")
    with pytest.raises(OutsideRefused, match="not on the public internet"):
        await fetch(server.url(host="media.test"), tmp_path / "in", policy=POLICY)
    assert asked == ["media.test", "inside.test"]


@pytest.mark.parametrize(
    ("code", "error"), [(socket.EAI_AGAIN, OutsideFailed), (socket.EAI_NONAME, OutsideRefused)]
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
            with pytest.raises(OutsideRefused, match="has no valid certificate"):
                await fetch(right, tmp_path / "in", policy=POLICY)
            monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
            exchange._trusted_authorities.cache_clear()
            assert (await fetch(right, tmp_path / "in", policy=POLICY)).size == 4
            with pytest.raises(OutsideRefused, match="certificate"):
                await fetch(right.replace("media", "other"), tmp_path / "in", policy=POLICY)
            # By its address nobody vouches for it, redirected to or not.
            server.answers["/to"] = redirect(server.url(scheme="https"))
            with pytest.raises(OutsideRefused, match="certificate"):
                await fetch(right + "to", tmp_path / "in", policy=POLICY)
            assert (
                await fetch(f"https://media.test.:{server.port}/", tmp_path / "in", policy=POLICY)
            ).size == 4
    finally:
        exchange._trusted_authorities.cache_clear()
