"""Files put to signed addresses: of a real S3 server, and of servers that answer anything."""

import os
import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import obstore
import pytest
from obstore.store import S3Store

from services.chassis.outside import OutsideError, OutsideFailed, OutsideRefused, Policy
from services.media.worker.stores.s3_signed import S3Signed
from services.media.worker.stores.sending import Sending
from tests.kit.s3 import ACCESS_KEY, BUCKET, SECRET_KEY
from tests.kit.signing import signed_v2, signed_v4
from tests.kit.webserver import Say, Server, answer, dripping, endless, redirect
from vitascope.media.v1.internal_pb2 import Delivery, Destination, OutputFile, S3SignedDestination

POLICY = Policy(max_bytes=1 << 16, max_seconds=10, allow_loopback=True)
SIGNATURE = "a-signature-that-is-a-secret"


@dataclass
class Put:
    """A file, and how far it was said to be."""

    path: Path
    content_type: str = "image/jpeg"
    parts: list[float] = field(default_factory=list)

    async def to(self, url: str, policy: Policy = POLICY) -> str:
        """Send it."""

        async def save() -> None:
            pytest.fail("there is nothing to save")

        file = OutputFile(size=self.path.stat().st_size, content_type=self.content_type)
        sending = Sending(self.path, Delivery(file=file), save, self.parts.append)
        destination = Destination(s3_signed=S3SignedDestination(url=url))
        return await S3Signed(policy).send(destination, sending)


@pytest.fixture
def put(tmp_path: Path) -> Put:
    path = tmp_path / "made"
    path.write_bytes(os.urandom(3_000_000))
    return Put(path)


@pytest.fixture(scope="session")
def endpoint(s3_url: str) -> str:
    """Where the S3 server answers."""
    [address] = parse_qs(urlsplit(s3_url).query)["endpoint"]
    return address


@pytest.fixture
def bucket(endpoint: str) -> S3Store:
    return S3Store(
        BUCKET,
        endpoint=endpoint,
        region="us-east-1",
        access_key_id=ACCESS_KEY,
        secret_access_key=SECRET_KEY,
        client_options={"allow_http": True},
    )


def stored(bucket: S3Store, key: str) -> httpx.Response:
    """What the server has under a key."""
    return httpx.get(obstore.sign(bucket, "GET", key, expires_in=timedelta(minutes=1)))


V4 = {
    "plain": {},
    "with the type": {"content-type": "image/jpeg"},
    "with the payload's hash": {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"},
}


@pytest.mark.parametrize("how", [*V4, "obstore", "second version", "second version, with the type"])
@pytest.mark.parametrize("name", ["a.jpg", "a folder/ä +(1).jpg"])
async def test_a_real_server_takes_the_file(
    how: str, name: str, put: Put, endpoint: str, bucket: S3Store
) -> None:
    key = f"signed/{how}/{name}"
    plain = f"{endpoint}{quote(f'/{BUCKET}/{key}')}"
    if how == "obstore":
        url = obstore.sign(bucket, "PUT", key, expires_in=timedelta(minutes=10))
    elif how in V4:
        url = signed_v4(plain, ACCESS_KEY, SECRET_KEY, V4[how])
    else:
        content_type = "image/jpeg" if how.endswith("the type") else ""
        url = signed_v2(plain, ACCESS_KEY, SECRET_KEY, content_type)
    address = await put.to(url)
    assert "?" not in address
    assert address == url.partition("?")[0]
    there = stored(bucket, key)
    assert there.content == put.path.read_bytes()
    if how != "second version":
        assert there.headers["content-type"] == "image/jpeg"
    assert put.parts[-1] == 1.0
    # It is tried without the type first, which the address does not tell.
    assert put.parts == sorted(put.parts) or how == "second version, with the type"


async def test_an_empty_file_is_a_file(put: Put, bucket: S3Store) -> None:
    put.path.write_bytes(b"")
    await put.to(obstore.sign(bucket, "PUT", "signed/empty", expires_in=timedelta(minutes=1)))
    assert stored(bucket, "signed/empty").content == b""


async def test_an_expired_signature_is_told_in_the_servers_words(put: Put, endpoint: str) -> None:
    long_ago = time.time() - 3600
    url = f"{endpoint}/{BUCKET}/signed/late"
    with pytest.raises(OutsideRefused) as raised:
        await put.to(signed_v4(url, ACCESS_KEY, SECRET_KEY, seconds=60, at=long_ago))
    assert "answered the file with status 403, AccessDenied" in str(raised.value)
    assert "Signature=" not in str(raised.value)


@pytest.mark.parametrize("sign", [signed_v4, signed_v2])
async def test_a_wrong_signature_is_final(sign: object, put: Put, endpoint: str) -> None:
    assert callable(sign)
    with pytest.raises(OutsideRefused, match="status 403, SignatureDoesNotMatch"):
        await put.to(sign(f"{endpoint}/{BUCKET}/signed/no", ACCESS_KEY, "not the key"))


async def test_another_type_than_the_signed_one_is_final(put: Put, endpoint: str) -> None:
    headers = {"content-type": "video/mp4"}
    url = signed_v4(f"{endpoint}/{BUCKET}/signed/type", ACCESS_KEY, SECRET_KEY, headers)
    with pytest.raises(OutsideRefused, match="SignatureDoesNotMatch"):
        await put.to(url)


async def test_headers_that_only_the_signer_knows_are_told_before_anything_is_sent(
    put: Put,
) -> None:
    headers = {"x-amz-acl": "private", "content-md5": "x"}
    async with Server().running() as server:
        with pytest.raises(OutsideRefused, match=r"does not tell: content-md5, x-amz-acl\."):
            await put.to(signed_v4(server.url("/a"), ACCESS_KEY, SECRET_KEY, headers))
        assert server.requests == []


def error(code: str, message: str = "") -> bytes:
    """What S3 says of an error."""
    said = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return f"<?xml version='1.0'?>\n{said}".encode()


AGAIN, FINAL = OutsideFailed, OutsideRefused


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (answer(status="500 x"), AGAIN, "with status 500."),
        (answer(error("SlowDown", "Reduce it."), "503 x"), AGAIN, "503, SlowDown: Reduce it."),
        (answer(status="429 x"), AGAIN, "with status 429."),
        (answer(error("RequestTimeout"), "400 x"), AGAIN, "400, RequestTimeout."),
        (answer(error("OperationAborted"), "409 x"), AGAIN, "409, OperationAborted."),
        (answer(error("AccessDenied", "No."), "403 x"), FINAL, "403, AccessDenied: No."),
        (answer(error("NoSuchBucket", "a &lt;b&gt;"), "404 x"), FINAL, "NoSuchBucket: a <b>."),
        (answer(error("EntityTooLarge"), "400 x"), FINAL, "400, EntityTooLarge."),
        (answer(error("A", f"for {SIGNATURE}"), "403 x"), FINAL, "with status 403, A."),
        (answer(error(SIGNATURE, "No."), "403 x"), FINAL, "with status 403, No."),
        (answer(b"\xff\xfe<Code>", "400 x"), FINAL, "with status 400."),
        (answer(status="501 x"), FINAL, "with status 501."),
        (redirect("http://169.254.169.254/latest/meta-data"), FINAL, "with status 302."),
        (redirect("http://10.0.0.1/", "307 Temporary Redirect"), FINAL, "with status 307."),
        (answer(status="304 Not Modified"), FINAL, "with status 304."),
        (
            endless(b"x" * 9999, answer(status="403 x", content_length="")),
            FINAL,
            "with status 403.",
        ),
        (endless(b"x: y\r\n" * 99, b"HTTP/1.1 200 OK\r\n"), FINAL, "far more than a body"),
        (dripping(b"x", 0.02, b"HTTP/1.1 200 OK\r\n"), AGAIN, "does not answer in time"),
        (dripping(b"", 0.02), AGAIN, "does not answer in time"),
        (b"", AGAIN, "broke off"),
        (b"not HTTP\r\n\r\n", AGAIN, "broke off"),
    ],
)
async def test_what_servers_answer(
    said: bytes | Say, kind: type[OutsideError], words: str, put: Put
) -> None:
    policy = replace(POLICY, answer_seconds=0.5, silence_seconds=0.5, rate_seconds=0.5)
    async with Server().running() as server:
        server.answers[f"/a?X-Amz-Signature={SIGNATURE}"] = said
        with pytest.raises(kind) as raised:
            await put.to(server.url(f"/a?X-Amz-Signature={SIGNATURE}"), policy)
        assert len(server.requests) == 1
    assert words in str(raised.value)
    assert SIGNATURE not in str(raised.value)


async def test_a_server_says_when_to_come_again(put: Put) -> None:
    async with Server().running() as server:
        server.answers["/"] = answer(status="503 x", retry_after="120")
        with pytest.raises(OutsideFailed) as raised:
            await put.to(server.url("/"))
    assert raised.value.retry_after == 120


async def test_a_server_that_refuses_early_is_heard(put: Put) -> None:
    """It answers, and goes, before it has read the file."""
    put.path.write_bytes(bytes(50_000_000))

    async with Server().running() as server:
        server.reads_bodies = False
        server.answers["/"] = answer(error("AccessDenied", "No."), "403 x")
        with pytest.raises(OutsideRefused, match="AccessDenied"):
            await put.to(server.url("/"))
    assert put.parts == []


async def test_a_server_that_takes_nothing_is_left(put: Put) -> None:
    put.path.write_bytes(bytes(50_000_000))
    policy = replace(POLICY, answer_seconds=0.3)
    async with Server().running() as server:
        server.reads_bodies = False
        server.answers["/"] = dripping(b"", 0.02)
        with pytest.raises(OutsideFailed, match="does not answer in time"):
            await put.to(server.url("/"), policy)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]"])
async def test_nothing_inside_is_sent_to(host: str, put: Put) -> None:
    with pytest.raises(OutsideRefused, match="is not on the public internet"):
        await put.to(f"http://{host}/", replace(POLICY, allow_loopback=False))


async def test_the_request_is_what_signed_addresses_take(put: Put) -> None:
    async with Server().running() as server:
        server.answers["/a"] = answer()
        await put.to(server.url("/a"))
        [head] = server.requests
        assert server.bodies == [put.path.read_bytes()]
    lines = {line.partition(":")[0].lower() for line in head.splitlines()[1:] if line}
    assert head.startswith("PUT /a HTTP/1.1\r\n")
    assert lines == {
        *("host", "accept", "accept-encoding", "connection", "user-agent"),
        *("content-length", "content-type", "expect"),
    }
