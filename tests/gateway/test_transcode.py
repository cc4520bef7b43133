"""From HTTP to the RPC and back: binding, credentials, errors."""

from typing import Any

import httpx
import pytest

from gateway.app import Gateway
from gateway.channels import Channels
from gateway.transcode import Limits
from tests.gateway.lab import ERRORS, Lab, lab_file


async def echo(client: httpx.AsyncClient, path: str, status: int = 200) -> Any:
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_query_parameters_of_every_kind(client: httpx.AsyncClient) -> None:
    query = "whole=-5&long-whole=9007199254740993&real=1e3&flag=TRUE&raw=aGk=&colour=COLOUR_RED"
    query += "&names=a&names=b%20c&child.size=3&time=2026-01-02T03:04:05Z&value=v"
    got = await echo(client, f"/lab/echo/t?{query}&maybe=")
    assert got["whole"] == -5
    assert got["long-whole"] == 9007199254740993
    assert (got["real"], got["flag"], got["raw"]) == (1000.0, True, "aGk=")
    assert (got["colour"], got["names"], got["maybe"]) == ("COLOUR_RED", ["a", "b c"], "")
    assert got["child"]["size"] == 3
    assert (got["time"], got["value"]) == ("2026-01-02 03:04:05", "v")


async def test_proto_names_are_taken_in_queries_too(client: httpx.AsyncClient) -> None:
    assert (await echo(client, "/lab/echo/t?long_whole=4"))["long-whole"] == 4


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("whole=x", "whole must be a whole number"),
        ("whole=", "whole must be a whole number"),
        ("whole=1&whole=2", "whole is given twice"),
        ("flag=maybe", "flag must be true or false"),
        ("real=nan", "real must be a number"),
        ("real=1e999", "real must be a number"),
        ("child.size=-1", "child.size must be a whole number"),
        ("unheard=1", "unheard is not known here"),
        ("text=other", "text is not known here"),
        ("agent=other", "agent is not known here"),
        ("names=%ff", "UTF-8"),
        ("names=%00", "U+0000"),
        ("&".join(f"a{n}=1" for n in range(2001)), "2000 query parameters"),
    ],
)
async def test_wrong_query_parameters_are_named(
    client: httpx.AsyncClient, query: str, named: str
) -> None:
    body = await echo(client, f"/lab/echo/t?{query}", 400)
    assert body["exception"] == "BadRequestException"
    assert named in body["errorMessage"]


async def test_path_variables(client: httpx.AsyncClient) -> None:
    assert (await echo(client, "/lab/echo/a%2Fb%C3%A9"))["text"] == "a/b\u00e9"
    got = await echo(client, "/lab/echo/a/7")
    assert (got["text"], got["child"]["size"]) == ("a", 7)
    assert "child.size" in (await echo(client, "/lab/echo/a/x", 400))["errorMessage"]
    assert "UTF-8" in (await echo(client, "/lab/echo/%ff", 400))["errorMessage"]


async def test_verbs_and_methods_of_its_own(client: httpx.AsyncClient) -> None:
    assert (await client.post("/lab/echo:loudly", json={"text": "x"})).json()["text"] == "x"
    assert (await client.request("REPORT", "/lab/echo")).status_code == 200
    assert (await client.post("/lab/echo:softly", json={})).status_code == 404


async def test_a_body_for_one_field_and_the_rest_from_path_and_query(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.patch("/lab/child/t?whole=3", json={"size": 5})
    got = answer.json()
    assert (got["text"], got["whole"], got["child"]["size"]) == ("t", 3, 5)


async def test_one_field_can_be_the_whole_answer(client: httpx.AsyncClient) -> None:
    assert await echo(client, "/lab/names?names=a&names=b") == ["a", "b"]


async def test_headers_fill_fields(client: httpx.AsyncClient) -> None:
    answer = await client.get("/lab/echo/t", headers={b"X-Agent": "caf\u00e9".encode()})
    assert answer.json()["agent"] == "caf\u00e9"
    broken = await client.get("/lab/echo/t", headers={b"X-Agent": b"\xff"})
    assert broken.status_code == 400


async def test_a_body_does_not_fill_what_a_header_fills(client: httpx.AsyncClient) -> None:
    answer = await client.post("/lab/echo:loudly", json={}, headers={"x-agent": "me"})
    assert answer.json()["agent"] == "me"
    refused = await client.post("/lab/echo:loudly", json={"agent": "me"})
    assert refused.status_code == 400
    assert "agent" in refused.json()["errorMessage"]


async def test_services_choose_status_and_headers(client: httpx.AsyncClient) -> None:
    answer = await client.get("/lab/echo/created")
    assert answer.status_code == 201
    assert answer.headers["location"] == "/lab/1"


async def sign(client: httpx.AsyncClient, **request: Any) -> dict[str, str]:
    answer = await client.request(request.pop("method", "POST"), "/v1/sign", **request)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert not body["leaked"]
    metadata: dict[str, str] = body["metadata"]
    return metadata


async def test_credentials_of_the_body_become_metadata(client: httpx.AsyncClient) -> None:
    assert (await sign(client, json={"secret": "S"}))["authorization"] == "Secret S"
    assert (await sign(client, json={"api_key": "k"}))["authorization"] == "Api-Key k"
    both = await sign(client, json={"secret": "S"}, headers={"authorization": "Secret OTHER"})
    assert both["authorization"] == "Secret S"


@pytest.mark.parametrize(
    "value", ["Secret S", "SECRET S", "Api-Key k", "BARE", "Bearer a.b.c", "%%"]
)
async def test_the_authorization_header_passes_on_as_it_is(
    client: httpx.AsyncClient, value: str
) -> None:
    metadata = await sign(client, json={}, headers={"authorization": value})
    assert metadata["authorization"] == value


async def test_credentials_of_a_query_become_metadata(client: httpx.AsyncClient) -> None:
    metadata = await sign(client, method="GET", params={"secret": "S", "tasks": "A", "other": "1"})
    assert metadata["authorization"] == "Secret S"


async def test_referer_trace_and_request_id_pass_on(client: httpx.AsyncClient) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"referer": "https://a.test/", "traceparent": trace, "x-request-id": "r1"}
    metadata = await sign(client, json={}, headers=headers)
    assert metadata["referer"] == "https://a.test/"
    assert metadata["traceparent"] == trace
    assert metadata["x-request-id"] == "r1"
    assert "authorization" not in metadata


async def test_what_grpc_cannot_carry_as_metadata_stays_wrong(client: httpx.AsyncClient) -> None:
    odd = await sign(client, json={}, headers={"authorization": b"Secret \xff"})
    assert odd["authorization"] == "Secret ?"
    assert (await sign(client, json={"secret": "a\nb"}))["authorization"] == "Secret a?b"
    answer = await client.post("/v1/sign", json={"secret": "x" * 5000})
    assert answer.status_code == 431


VIDEO_STATUSES = {
    "invalid": 400, "secret": 401, "forbidden": 403, "missing": 404, "conflict": 409, "state": 409,
    "range": 416, "limits": 429, "large": 413, "away": 503, "internal": 500, "slow": 504,
    "crash": 500,
}  # fmt: skip


@pytest.mark.parametrize(("code", "status"), VIDEO_STATUSES.items())
async def test_errors_of_the_video_api(client: httpx.AsyncClient, code: str, status: int) -> None:
    answer = await client.get(f"/lab/fail/{code}")
    assert answer.status_code == status
    body = answer.json()
    assert body.keys() == {"exception", "errorMessage"}
    assert body["exception"].endswith("Exception")
    assert "hunter2" not in answer.text
    if code in ("forbidden", "missing", "conflict"):
        assert body == {"exception": ERRORS[code].reason, "errorMessage": ERRORS[code].message}


@pytest.mark.parametrize(
    ("code", "status"), {**VIDEO_STATUSES, "forbidden": 401, "limits": 401}.items()
)
async def test_errors_of_the_tasks_api(client: httpx.AsyncClient, code: str, status: int) -> None:
    answer = await client.post("/v1/fail", json={"code": code})
    assert answer.status_code == status
    body = answer.json()
    assert body["status"] == "error"
    assert all(each.keys() == {"name", "location", "description"} for each in body["errors"])
    assert "hunter2" not in answer.text


async def test_a_missing_field_has_the_documented_body(client: httpx.AsyncClient) -> None:
    missing = await client.post("/v1/fail", json={})
    expected = {"name": "tasks", "location": "body", "description": "tasks is missing"}
    assert missing.json() == {"status": "error", "errors": [expected]}
    given = await client.post("/v1/fail", json={"tasks": ["a"]})
    assert given.json()["errors"][0]["description"] == "must have 1 item"


async def test_violations_are_named_in_the_video_api_s_message(client: httpx.AsyncClient) -> None:
    body = (await client.get("/lab/fail/nested")).json()
    assert body["errorMessage"] == "range.start: is late"


async def test_errors_carry_headers(client: httpx.AsyncClient) -> None:
    assert (await client.get("/lab/fail/away")).headers["retry-after"] == "7"
    assert (await client.get("/lab/fail/range")).headers["content-range"] == "bytes */5"


async def test_a_service_that_is_away_is_a_503_and_a_slow_one_a_504(lab: Lab, app: Gateway) -> None:
    channels = Channels(lambda _: "127.0.0.1:1")
    alone = Gateway([lab_file()], channels, Limits(9, 9, 5), "http://lab.test", app._admission)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(alone)) as client:
        answer = await client.get("http://lab.test/lab/echo/x")
    await channels.close()
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "127.0.0.1" not in answer.text


async def test_the_deadline_ends_the_call(
    lab: Lab, app: Gateway, client: httpx.AsyncClient
) -> None:
    short = Gateway(
        [lab_file()], app._channels, Limits(99, 99, 0.2), "http://lab.test", app._admission
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(short)) as impatient:
        answer = await impatient.get("http://lab.test/lab/echo/hang")
    assert answer.status_code == 504
    assert answer.json()["exception"] == "TimeoutException"
    await lab.cancelled.wait()
