"""Smaller answers for clients that take them: brotli and gzip."""

import asyncio
import gzip
from collections.abc import Mapping

import brotli  # type: ignore[import-untyped]

# Below, headers outweigh what is won.
_LEAST_BYTES = 1024
# Above, the work would hold up the other requests.
_AT_ONCE_BYTES = 64 * 2**10
_TEXT = ("application/json", "application/javascript", "image/svg+xml", "text/")
# Ours come first when the client likes both as much.
_ENCODINGS = ("br", "gzip")


def worthwhile(body: bytes, headers: Mapping[str, str]) -> bool:
    """Whether an answer with this body is text, long enough, and not encoded already."""
    return (
        len(body) > _LEAST_BYTES
        and headers.get("content-type", "").startswith(_TEXT)
        and not headers.keys() & {"content-encoding", "content-range"}
        and "no-transform" not in headers.get("cache-control", "")
    )


def chosen(accept_encoding: str) -> str | None:
    """Return the encoding that an `Accept-Encoding` header asks for, None for no encoding."""
    weights = dict(map(_weighed, accept_encoding.lower().split(",")))
    default = weights.get("*", 0.0)
    best = max(_ENCODINGS, key=lambda name: weights.get(name, default))
    weight = weights.get(best, default)
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else None


async def compressed(body: bytes, encoding: str) -> bytes:
    """Return the body in one of the encodings that `chosen` returns."""
    if len(body) > _AT_ONCE_BYTES:
        return await asyncio.to_thread(_encoded, body, encoding)
    return _encoded(body, encoding)


def _encoded(body: bytes, encoding: str) -> bytes:
    if encoding == "br":
        small: bytes = brotli.compress(body, quality=4)
        return small
    return gzip.compress(body, 5, mtime=0)


def _weighed(item: str) -> tuple[str, float]:
    name, *parameters = (part.strip() for part in item.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                return name, float(value)
            except ValueError:
                return name, 0.0
    return name, 1.0
