"""The S3 requests that multipart uploads are made of, which obstore keeps to itself."""

import asyncio
import base64
import hashlib
import os
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from urllib.parse import parse_qs, quote, urlsplit
from xml.etree import ElementTree

import httpx
import structlog

from services.chassis.storage.keys import Entry, unavailable
from services.chassis.storage.signing import Credentials, query_text, signed_headers

_PAUSES = (0.2, 1.0, 0.0)
_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
_BUSY = 429
_PIECE = 2**18

log = structlog.stdlib.get_logger(__name__)


class Address:
    """Where a bucket is and who may write to it, out of `s3://NAME?QUERY` and `AWS_*` variables."""

    def __init__(self, name: str, query: str) -> None:
        """Raises ValueError when there is no access key."""
        options = {key: values[-1] for key, values in parse_qs(query).items()}
        self.name = name
        self.region = options.get("region") or _of_environment("REGION", "DEFAULT_REGION")
        self.region = self.region or "us-east-1"
        self.endpoint = options.get("endpoint") or _of_environment("ENDPOINT_URL", "ENDPOINT")
        self.endpoint = self.endpoint or f"https://s3.{self.region}.amazonaws.com"
        if "access_key" in options:
            self.credentials = Credentials(options["access_key"], options["secret_key"])
        else:
            self.credentials = Credentials(
                _of_environment("ACCESS_KEY_ID"),
                _of_environment("SECRET_ACCESS_KEY"),
                _of_environment("SESSION_TOKEN"),
            )
        if not self.credentials.access_key:
            raise ValueError(
                "An s3:// storage needs access_key and secret_key in its URL, "
                "or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
            )


def _of_environment(*names: str) -> str:
    found = (os.environ.get(f"AWS_{name}") for name in names)
    return next(filter(None, found), "")


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


class Refused(Exception):
    """S3 answered with an error; `status` is the HTTP status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text[:500]}")
        self.status = status


class S3:
    """A connection to a bucket; to be closed. Methods raise Unavailable, unless they say more."""

    def __init__(self, address: Address, now: Callable[[], datetime] | None = None) -> None:
        self._address = address
        self._client = httpx.AsyncClient(verify=_tls(), timeout=_TIMEOUT)
        self._now = now or (lambda: datetime.now(UTC))

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def put(self, key: str, body: bytes) -> None:
        """Store an object."""
        await self._ask("PUT", key, {}, body)

    async def get(self, key: str) -> bytes:
        """Return a small object's bytes."""
        return (await self._ask("GET", key, {})).content

    async def delete(self, key: str) -> None:
        """Delete an object; none is fine."""
        await self._delete(key, {})

    async def size(self, key: str) -> int | None:
        """Return the size of an object in bytes; None when there is none."""
        try:
            answer = await self._try("HEAD", key, {}, b"")
        except Refused as refused:
            if refused.status == httpx.codes.NOT_FOUND:
                return None
            raise _told(refused) from refused
        return int(answer.headers["content-length"])

    async def begin(self, key: str) -> str:
        """Begin a multipart upload and return its id."""
        answer = await self._ask("POST", key, {"uploads": ""})
        return _text(_parsed(answer), "UploadId")

    async def put_part(self, key: str, upload_id: str, number: int, body: bytes) -> str:
        """Send a part and return its ETag."""
        query = {"partNumber": str(number), "uploadId": upload_id}
        answer = await self._ask("PUT", key, query, body)
        return str(answer.headers["etag"])

    async def parts(self, key: str, upload_id: str) -> AsyncIterator[tuple[int, str, int]]:
        """Yield the number, the ETag and the size of each part that has arrived."""
        query = {"uploadId": upload_id}
        while True:
            page = _parsed(await self._ask("GET", key, query))
            for part in page.iterfind("{*}Part"):
                yield int(_text(part, "PartNumber")), _text(part, "ETag"), int(_text(part, "Size"))
            if _text(page, "IsTruncated") != "true":
                return
            query["part-number-marker"] = _text(page, "NextPartNumberMarker")

    async def complete(self, key: str, upload_id: str, parts: Sequence[tuple[int, str]]) -> None:
        """Make the object of those parts. Raises Refused too."""
        root = ElementTree.Element("CompleteMultipartUpload")
        for number, etag in parts:
            part = ElementTree.SubElement(root, "Part")
            ElementTree.SubElement(part, "PartNumber").text = str(number)
            ElementTree.SubElement(part, "ETag").text = etag
        body = ElementTree.tostring(root)
        answer = await self._try("POST", key, {"uploadId": upload_id}, body)
        # What goes wrong after the server has begun to answer comes with the status 200.
        if _parsed(answer).tag.endswith("Error"):
            raise Refused(httpx.codes.BAD_GATEWAY, answer.text)

    async def abort(self, key: str, upload_id: str) -> None:
        """Drop a multipart upload and its parts; one that is gone is fine."""
        await self._delete(key, {"uploadId": upload_id})

    async def uploads(self, prefix: str) -> AsyncIterator[tuple[Entry, str]]:
        """Yield the multipart uploads to keys that begin with `prefix`, and their ids."""
        query = {"uploads": "", "prefix": prefix}
        while True:
            page = _parsed(await self._ask("GET", "", query))
            for upload in page.iterfind("{*}Upload"):
                begun = datetime.fromisoformat(_text(upload, "Initiated"))
                yield Entry(_text(upload, "Key"), 0, begun), _text(upload, "UploadId")
            if _text(page, "IsTruncated") != "true":
                return
            query["key-marker"] = _text(page, "NextKeyMarker")
            query["upload-id-marker"] = _text(page, "NextUploadIdMarker")

    async def _delete(self, key: str, query: Mapping[str, str]) -> None:
        try:
            await self._try("DELETE", key, query, b"")
        except Refused as refused:
            if refused.status != httpx.codes.NOT_FOUND:
                raise _told(refused) from refused

    async def _ask(
        self, method: str, key: str, query: Mapping[str, str], body: bytes = b""
    ) -> httpx.Response:
        try:
            return await self._try(method, key, query, body)
        except Refused as refused:
            raise _told(refused) from refused

    async def _try(
        self, method: str, key: str, query: Mapping[str, str], body: bytes
    ) -> httpx.Response:
        """Send a request, again when that can help. Raises Refused and Unavailable."""
        refused: Refused | None = None
        for pause in _PAUSES:
            try:
                answer = await self._send(method, key, query, body)
            except httpx.TransportError as error:
                refused, failure = None, error
            else:
                if answer.is_success:
                    return answer
                refused = Refused(answer.status_code, answer.text)
                if answer.status_code != _BUSY and not answer.is_server_error:
                    raise refused
            await asyncio.sleep(pause)
        if refused is not None:
            raise refused
        raise unavailable() from failure

    async def _send(
        self, method: str, key: str, query: Mapping[str, str], body: bytes
    ) -> httpx.Response:
        address = self._address
        base = urlsplit(address.endpoint)
        path = quote(f"{base.path.rstrip('/')}/{address.name}/{key}", safe="/-._~")
        text = query_text(query)
        signed = (body, address.credentials, address.region, self._now())
        if len(body) > 2**16:
            headers = await asyncio.to_thread(
                signed_headers, method, base.netloc, path, text, *signed
            )
            digest = await asyncio.to_thread(_md5, body)
        else:
            headers = signed_headers(method, base.netloc, path, text, *signed)
            digest = _md5(body)
        if body:
            headers["content-md5"] = digest
        url = f"{base.scheme}://{base.netloc}{path}" + (f"?{text}" if text else "")
        headers["content-length"] = str(len(body))
        content = _pieces(body) if body else None
        return await self._client.request(method, url, content=content, headers=headers)


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    """Yield a body in pieces: of one piece the connection would keep what is not sent yet."""
    for at in range(0, len(body), _PIECE):
        yield body[at : at + _PIECE]


def _md5(body: bytes) -> str:
    """What some servers check where they do not check the hash that is signed."""
    digest = hashlib.md5(body, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def _parsed(answer: httpx.Response) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(answer.content)  # noqa: S314 -- of the operator's own server
    except ElementTree.ParseError as error:
        raise unavailable() from error


def _text(element: ElementTree.Element, name: str) -> str:
    return element.findtext(f"{{*}}{name}") or ""


def _told(refused: Refused) -> Exception:
    log.warning("storage refused a request", answer=str(refused))
    return unavailable()
