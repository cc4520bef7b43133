"""Smaller answers, where they are wanted and help."""

import gzip

import brotli  # type: ignore[import-untyped]
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.compression import chosen

LONG = "vita" * 1000


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("", None),
        ("gzip", "gzip"),
        ("br", "br"),
        ("gzip, deflate, br", "br"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("gzip;q=0, br;q=0", None),
        ("*", "br"),
        ("*;q=0.5, br;q=0", "gzip"),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.1, GZIP ; Q=0.5", "gzip"),
        ("deflate, zstd", None),
        ("gzip;q=nonsense", None),
    ],
)
def test_the_client_s_weights_choose(header: str, encoding: str | None) -> None:
    assert chosen(header) == encoding


@given(st.text())
def test_any_header_chooses_something(header: str) -> None:
    assert chosen(header) in (None, "br", "gzip")


@pytest.mark.parametrize(
    ("encoding", "decode"), [("gzip", gzip.decompress), ("br", brotli.decompress)]
)
@pytest.mark.parametrize("times", [1, 15])
async def test_long_json_is_smaller(
    client: httpx.AsyncClient, encoding: str, decode: object, times: int
) -> None:
    request = client.build_request(
        "POST", "/lab/echo", json={"text": LONG * times}, headers={"accept-encoding": encoding}
    )
    answer = await client.send(request, stream=True)
    raw = b"".join([piece async for piece in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == encoding
    assert answer.headers["vary"] == "accept-encoding"
    assert int(answer.headers["content-length"]) == len(raw) < 1000
    assert (LONG * times).encode() in decode(raw)  # type: ignore[operator]


async def test_who_does_not_ask_gets_it_plain(client: httpx.AsyncClient) -> None:
    headers = {"accept-encoding": "identity"}
    answer = await client.post("/lab/echo", json={"text": LONG}, headers=headers)
    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize("target", ["/lab/files/a", "/healthz", "/lab/nothing"])
async def test_media_and_short_answers_stay_as_they_are(
    client: httpx.AsyncClient, target: str
) -> None:
    answer = await client.get(target, headers={"accept-encoding": "br, gzip"})
    assert "content-encoding" not in answer.headers
    assert "vary" not in answer.headers


async def test_head_tells_the_length_that_get_has(client: httpx.AsyncClient) -> None:
    headers = {"accept-encoding": "br"}
    whole = await client.get("/openapi.json", headers=headers)
    head = await client.head("/openapi.json", headers=headers)
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert head.headers["content-encoding"] == "br"
    assert head.content == b""


async def test_an_encoded_answer_s_tag_is_weak(client: httpx.AsyncClient) -> None:
    plain = await client.get("/docs", headers={"accept-encoding": "identity"})
    small = await client.get("/docs", headers={"accept-encoding": "br"})
    assert small.headers["etag"].removeprefix("W/") == plain.headers["etag"]
    again = await client.get("/docs", headers={"if-none-match": small.headers["etag"]})
    assert again.status_code == 304
