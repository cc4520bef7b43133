"""Files in."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.problems import Refusal
from gateway.uploads import CHUNK_BYTES, blocks
from tests.gateway.lab import LIMITS, Lab

CONTENT = bytes(range(256)) * 12_000


@pytest.mark.parametrize("field", ["file", "anything", "clip.mp4"])
async def test_the_file_arrives_as_it_was_sent(client: httpx.AsyncClient, field: str) -> None:
    files = {field: ("clip.mp4", CONTENT, "video/mp4")}
    answer = await client.post("/lab/store/v1", data={"note": "first"}, files=files)
    assert answer.status_code == 200, answer.text
    got = answer.json()
    assert got["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert got["size"] == len(CONTENT)
    assert (got["name"], got["fileName"], got["contentType"]) == ("v1", "clip.mp4", "video/mp4")
    assert got["whole"]
    assert got["largestPiece"] <= CHUNK_BYTES


async def test_an_empty_file_is_whole(client: httpx.AsyncClient) -> None:
    answer = await client.post("/lab/store/v1", files={"file": ("a", b"")})
    assert (answer.json()["size"], answer.json()["whole"]) == (0, True)


async def test_raw_bodies_are_for_the_tasks_api_only(client: httpx.AsyncClient) -> None:
    raw = {"content-type": "image/png"}
    taken = await client.post("/v1/store/a", content=CONTENT, headers=raw)
    assert (taken.json()["size"], taken.json()["contentType"]) == (len(CONTENT), "image/png")
    refused = await client.post("/lab/store/a", content=CONTENT, headers=raw)
    assert refused.status_code == 415
    assert refused.json()["exception"] == "UnsupportedMediaTypeException"


async def test_a_body_without_a_file_calls_nobody(client: httpx.AsyncClient, lab: Lab) -> None:
    kind = {"content-type": "multipart/form-data; boundary=cut"}
    body = b'--cut\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--cut--\r\n'
    answer = await client.post("/lab/store/a", content=body, headers=kind)
    assert answer.status_code == 400
    assert lab.uploads == []


async def test_a_body_that_ends_early_is_never_whole(client: httpx.AsyncClient, lab: Lab) -> None:
    kind = {"content-type": "multipart/form-data; boundary=cut"}
    body = b'--cut\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n' + CONTENT
    answer = await client.post("/lab/store/a", content=body, headers=kind)
    assert answer.status_code == 400
    assert not any(upload.whole for upload in lab.uploads)


async def test_uploads_over_the_limit_are_refused(client: httpx.AsyncClient, lab: Lab) -> None:
    large = bytes(LIMITS.upload_bytes + 1)
    slightly = await client.post("/lab/store/a", files={"file": ("a", large)})
    assert slightly.status_code == 413
    declared = await client.post("/lab/store/a", files={"file": ("a", large * 2)})
    assert declared.status_code == 413
    assert not any(upload.whole for upload in lab.uploads)


async def test_the_service_s_refusal_is_the_answer(client: httpx.AsyncClient) -> None:
    answer = await client.post("/lab/store/refused", files={"file": ("a", CONTENT)})
    assert answer.status_code == 401
    assert answer.json()["errorMessage"] == "who are you"


async def test_a_client_that_leaves_cancels_the_upload(port: int, lab: Lab) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"POST /lab/store/a HTTP/1.1\r\nhost: lab\r\ncontent-length: 3000000\r\n"
        b"content-type: multipart/form-data; boundary=cut\r\n\r\n"
        b'--cut\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n' + CONTENT[:2000]
    )
    await writer.drain()
    await asyncio.wait_for(lab.waiting.wait(), 10)
    writer.close()
    await asyncio.wait_for(lab.cancelled.wait(), 10)
    assert not lab.uploads[0].whole
    del reader


async def test_an_early_answer_reaches_a_client_that_still_sends(wire: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'--cut\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n'
        for _ in range(2000):
            yield bytes(10_000)

    kind = {"content-type": "multipart/form-data; boundary=cut"}
    answer = await wire.post("/lab/store/refused", content=endless(), headers=kind)
    assert answer.status_code == 401


async def test_a_raw_upload_is_its_body_whatever_the_type(client: httpx.AsyncClient) -> None:
    for kind in ("application/x-bytes", "multipart/form-data; boundary=cut"):
        headers = {"content-type": kind}
        answer = await client.patch("/lab/keep/a", content=CONTENT, headers=headers)
        assert answer.status_code == 200, answer.text
        got = answer.json()
        assert (got["name"], got["size"], got["contentType"]) == ("a", len(CONTENT), kind)
        assert (got["whole"], got["fileName"]) == (True, "")
    nothing = await client.patch("/lab/keep/a")
    assert (nothing.json()["size"], nothing.json()["whole"]) == (0, True)


async def test_of_a_raw_upload_that_breaks_off_all_that_came_is_passed_on(
    port: int, lab: Lab
) -> None:
    for sent in (2000, CHUNK_BYTES + 1234):
        lab.cancelled.clear()
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        head = b"PATCH /lab/keep/a HTTP/1.1\r\nhost: lab\r\ncontent-length: 3000000\r\n\r\n"
        writer.write(head + CONTENT[:sent])
        await writer.drain()
        writer.close()
        await asyncio.wait_for(lab.cancelled.wait(), 10)
        broken = lab.uploads[-1]
        assert (broken.size, broken.whole) == (sent, False)
        assert broken.sha256 == hashlib.sha256(CONTENT[:sent]).hexdigest()


async def test_a_method_can_be_meant_by_a_header(client: httpx.AsyncClient) -> None:
    headers = {"x-http-method-override": "PATCH"}
    answer = await client.post("/lab/keep/a", content=b"abc", headers=headers)
    assert answer.json()["size"] == 3
    assert (await client.get("/lab/keep/a", headers=headers)).status_code == 405
    headers = {"x-http-method-override": "GET"}
    assert (await client.post("/lab/keep/a", headers=headers)).status_code == 405


@given(st.lists(st.binary(max_size=40), max_size=10), st.integers(1, 100))
async def test_blocks_keep_every_byte_or_refuse(chunks: list[bytes], limit: int) -> None:
    async def source() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    whole = b"".join(chunks)
    if len(whole) > limit:
        with pytest.raises(Refusal, match=str(limit)):
            [block async for block in blocks(source(), limit)]
    else:
        assert b"".join([block async for block in blocks(source(), limit)]) == whole
