"""Files as HTTP answers: what is sent of them, under which headers, and when nothing is."""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from email.utils import format_datetime
from typing import Any, TypeAlias, cast

import grpc
from google.api.httpbody_pb2 import HttpBody

from services.chassis.framing import framed
from services.media.actions.files import Files
from services.media.model.conditions import Conditions, Validators
from services.media.model.files import StoredFile
from services.media.model.ranges import Piece, body_of, parse_ranges
from vitascope.media.v1 import media_pb2

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Asked = (
    media_pb2.DownloadOriginalRequest
    | media_pb2.DownloadProcessedRequest
    | media_pb2.DownloadScreenshotRequest
    | media_pb2.DownloadWebVideoRequest
    | media_pb2.DownloadStoryboardRequest
    | media_pb2.DownloadLinkedRequest
    | media_pb2.DownloadOutputRequest
)

# These go with an answer that has no body too (RFC 9110, 15.4.5).
_OF_304 = ("etag", "cache-control")
# Of less, the first message brings most.
_WORTH_LENDING = 2**20


async def deliver(
    files: Files, asked: Asked, file: StoredFile, context: Context, headers: Mapping[str, str]
) -> AsyncIterator[HttpBody]:
    """Send what a request asks for of a file; `headers` are added to the usual ones.

    Raises PreconditionFailed, RangeNotSatisfiable, NotFound and Unavailable before the headers go.
    """
    validators = Validators.of(file.sha256, file.stored_at)
    conditions = _conditions(asked)
    headers = {"etag": validators.etag, "accept-ranges": "bytes", **headers}
    if conditions.is_unchanged(validators):
        kept = {name: headers[name] for name in _OF_304 if name in headers}
        await _send_headers(context, 304, kept)
        # A call that ends without a message may hand its client the end before the headers,
        # and grpc.aio then says that there were none.
        yield HttpBody()
        return
    counts = conditions.range_counts(validators)
    ranges = parse_ranges(asked.range, file.size) if counts else ()
    body = body_of(file.content_type, file.size, ranges, boundary=secrets.token_hex(16))
    # Read before the headers go: a file that cannot be read is still a plain error then.
    chunks = _chunks(files, file, body.pieces)
    first = await anext(chunks, b"")
    headers |= {
        "content-length": str(len(body)),
        "content-type": body.content_type,
        "last-modified": format_datetime(validators.modified, usegmt=True),
        "x-content-type-options": "nosniff",
    }
    if len(ranges) == 1:
        headers["content-range"] = str(ranges[0])
    lent = await _lent(files, file, body.pieces)
    await _send_headers(context, 206 if ranges else 200, headers, lent)
    yield HttpBody(content_type=body.content_type, data=first)
    async for chunk in chunks:
        yield cast(HttpBody, framed([HttpBody.DATA_FIELD_NUMBER], chunk))


async def _lent(
    files: Files, file: StoredFile, pieces: Sequence[Piece]
) -> Sequence[tuple[str, str]]:
    """Return the metadata by which a gateway may read a large body from the file itself."""
    if len(pieces) > 1 or len(pieces[0]) < _WORTH_LENDING or isinstance(pieces[0], bytes):
        return ()
    offer = await files.lend(file, pieces[0].start, pieces[0].end)
    return () if offer is None else (("http-file", str(offer)),)


async def _chunks(files: Files, file: StoredFile, pieces: Sequence[Piece]) -> AsyncIterator[bytes]:
    """Yield a body; bytes of our own come with those of the file that follow them."""
    own = b""
    for piece in pieces:
        if isinstance(piece, bytes):
            own += piece
            continue
        async for chunk in files.read(file, piece.start, piece.end):
            yield own + chunk
            own = b""
    if own:
        yield own


async def _send_headers(
    context: Context, status: int, headers: Mapping[str, str], more: Sequence[tuple[str, str]] = ()
) -> None:
    metadata = [(f"http-header-{name}", value) for name, value in headers.items()]
    await context.send_initial_metadata([("http-status", str(status)), *metadata, *more])


def _conditions(asked: Asked) -> Conditions:
    return Conditions(
        if_match=asked.if_match,
        if_unmodified_since=asked.if_unmodified_since,
        if_none_match=asked.if_none_match,
        if_modified_since=asked.if_modified_since,
        if_range=asked.if_range,
    )
