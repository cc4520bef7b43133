"""Signed requests: what is asked of accounts, and what the service gets to see."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.gateway.lab import LIMITS, Lab, signature_of

CONTENT = bytes(range(256)) * 9000


def signed(method: str, target: str, body: bytes = b"") -> dict[str, str]:
    digest = hashlib.sha256(body).hexdigest()
    signature = signature_of("1790000000", method, target, digest)
    return {"authorization": f"Signature keyId=ann, ts=1790000000, sig={signature}"}


async def metadata(client: httpx.AsyncClient, method: str, target: str, **more: Any) -> Any:
    answer = await client.request(method, target, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["metadata"]


async def test_a_signature_becomes_the_user_s_token(client: httpx.AsyncClient, lab: Lab) -> None:
    body = b'{"tasks": "A"}'
    got = await metadata(
        client, "POST", "/v1/sign", content=body, headers=signed("POST", "/v1/sign", body)
    )
    assert got["authorization"] == "Bearer token-of-ann"
    asked = lab.accounts.signed[0]
    assert (asked.key_id, asked.method, asked.path) == ("ann", "POST", "/v1/sign")
    assert asked.body_sha256 == hashlib.sha256(body).hexdigest()


async def test_the_query_and_its_spelling_are_signed(client: httpx.AsyncClient, lab: Lab) -> None:
    target = "/v1/sign?tasks=a%2Fb&tasks=%7e&block=true"
    await metadata(client, "GET", target, headers=signed("GET", target))
    assert lab.accounts.signed[0].path == target


@pytest.mark.parametrize("change", ["body", "target", "method"])
async def test_another_request_than_was_signed_is_refused(
    client: httpx.AsyncClient, change: str
) -> None:
    headers = signed(
        "PUT" if change == "method" else "POST",
        "/lab/echo?a" if change == "target" else "/lab/echo",
        b"{ }" if change == "body" else b"{}",
    )
    answer = await client.post("/lab/echo", content=b"{}", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["exception"] == "AuthException"
    assert "Signature" in answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    "value",
    [
        "Signature ",
        "Signature keyId=a",
        "Signature keyId=a, ts=1, sig=",
        "Signature keyId=a, ts=1, sig=b, more=c",
        "Signature keyId=a, ts=1, ts=2, sig=b",
        "signature x" + "x" * 5000,
    ],
)
async def test_what_is_no_signature_asks_nobody(
    client: httpx.AsyncClient, lab: Lab, value: str
) -> None:
    answer = await client.get("/lab/echo/x", headers={"authorization": value})
    assert answer.status_code == 401
    assert lab.accounts.signed == []


async def test_parts_may_be_quoted_and_in_any_order(client: httpx.AsyncClient) -> None:
    signature = signature_of("1", "GET", "/v1/sign", hashlib.sha256().hexdigest())
    value = f'SIGNATURE sig="{signature}",ts="1" , keyId="bob"'
    got = await metadata(client, "GET", "/v1/sign", headers={"authorization": value})
    assert got["authorization"] == "Bearer token-of-bob"


async def test_a_signed_body_has_its_limit(client: httpx.AsyncClient, lab: Lab) -> None:
    body = b" " * (LIMITS.body_bytes + 1)
    headers = signed("POST", "/lab/echo", body)
    assert (await client.post("/lab/echo", content=body, headers=headers)).status_code == 413
    assert lab.accounts.signed == []


def upload(told: bytes, sent: bytes, target: str = "/v1/store/a") -> dict[str, Any]:
    headers = signed("POST", target, told)
    headers["x-content-sha256"] = hashlib.sha256(told).hexdigest()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(sent), 100_000):
            yield sent[start : start + 100_000]

    return {"url": target, "headers": headers, "content": pieces()}


async def test_a_signed_upload_streams(wire: httpx.AsyncClient, lab: Lab) -> None:
    answer = await wire.post(**upload(CONTENT, CONTENT))
    assert answer.json()["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert lab.uploads[0].whole


async def test_a_signed_form_streams(wire: httpx.AsyncClient, lab: Lab) -> None:
    form = b'--cut\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n'
    form += CONTENT + b"\r\n--cut--\r\n"
    asked = upload(form, form, "/lab/store/a")
    asked["headers"]["content-type"] = "multipart/form-data; boundary=cut"
    assert (await wire.post(**asked)).status_code == 200
    assert lab.uploads[0].size == len(CONTENT)


async def test_an_upload_of_other_bytes_is_never_whole(wire: httpx.AsyncClient, lab: Lab) -> None:
    answer = await wire.post(**upload(CONTENT, CONTENT[:-1] + b"x"))
    assert answer.status_code == 400
    assert "X-Content-SHA256" in answer.text
    assert not any(each.whole for each in lab.uploads)


@pytest.mark.parametrize("digest", [None, "abc", "z" * 64])
async def test_a_signed_upload_tells_its_hash_first(
    client: httpx.AsyncClient, lab: Lab, digest: str | None
) -> None:
    asked = upload(CONTENT, CONTENT)
    del asked["headers"]["x-content-sha256"]
    if digest is not None:
        asked["headers"]["x-content-sha256"] = digest
    answer = await client.post(**asked)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["location"] == "header"
    assert lab.accounts.signed == []
