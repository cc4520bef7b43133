"""What strangers send: the documented error each time, and nothing left behind."""

import base64
import json
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flows.walk import create, upload
from tests.kit.clips import FILM
from tests.kit.forging import forged_token
from tests.kit.suite import PASSWORD, Suite
from tests.kit.waiting import wait_for

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def problem(answer: httpx.Response, status: int) -> str:
    """Check an error of the Video API and return its exception."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body.keys() == {"exception", "errorMessage"}
    assert body["errorMessage"]
    assert "Traceback" not in answer.text
    return str(body["exception"])


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{", ""),
        (b"\xff\xfe", ""),
        (b"[]", ""),
        (b'{"name": 5}', "name"),
        (b'{"name": ""}', "name"),
        (b'{"name": "x", "colour": "red"}', "colour"),
        (b'{"name": ' + b"[" * 100_000, ""),
    ],
)
def test_bodies_that_make_no_project(client: httpx.Client, body: bytes, named: str) -> None:
    before = client.get("/videos/v1/projects").json()["_embedded"]["totalFound"]
    answer = client.put("/videos/v1/project", content=body)
    problem(answer, 400)
    assert named in answer.json()["errorMessage"]
    assert client.get("/videos/v1/projects").json()["_embedded"]["totalFound"] == before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/videos/v1/project/{}"),
        ("DELETE", "/videos/v1/project/{}"),
        ("GET", "/videos/v1/video/{}"),
        ("DELETE", "/videos/v1/video/{}"),
        ("POST", "/videos/v1/process-video/{}"),
        ("GET", "/videos/v1/check-process-video-progress/{}"),
        ("GET", "/videos/v1/check-ingest-video-progress/{}"),
        ("GET", "/media/v1/download/original/{}"),
        ("GET", "/media/v1/download/processed/{}"),
        ("UPLOAD", "/media/v1/upload/{}"),
        ("UPLOAD", "/media/v1/upload/light/{}"),
    ],
)
def test_unknown_ids_and_other_teams_ids_look_the_same(
    client: httpx.Client, stranger: httpx.Client, method: str, path: str
) -> None:
    project = client.put("/videos/v1/project", json={"name": "mine"}).json()["project"]["id"]
    theirs = project if "project" in path else create(client, name="mine")["videoId"]
    for owned in (UNKNOWN, "not-an-id", theirs):
        if method == "UPLOAD":
            answer = stranger.post(path.format(owned), files={"file": ("a.mp4", b"x")})
        else:
            answer = stranger.request(method, path.format(owned))
        assert answer.status_code == 404, (owned, answer.text)
        problem(answer, 404)


def forged(token: str, **header: str) -> str:
    """The token's claims under another header and without a valid signature."""
    claims = token.split(".")[1]
    encoded = base64.urlsafe_b64encode(json.dumps({"typ": "JWT", **header}).encode())
    return f"{encoded.decode().rstrip('=')}.{claims}."


def test_tokens_that_open_nothing(suite: Suite, client: httpx.Client) -> None:
    token = client.headers["Authorization"].removeprefix("Bearer ")
    head, claims, signature = token.split(".")
    swapped = "A" if signature[10] != "A" else "B"
    cases = {
        "": "NoJWTTokenFoundException",
        "Bearer": "NoJWTTokenFoundException",
        "Bearer rubbish": "InvalidJWTTokenFoundException",
        f"Bearer {forged(token, alg='none')}": "InvalidJWTTokenFoundException",
        f"Bearer {head}.{claims}.{signature[:10]}{swapped}{signature[11:]}": (
            "InvalidJWTTokenFoundException"
        ),
    }
    for value, exception in cases.items():
        headers = {"Authorization": value} if value else {}
        answer = httpx.get(f"{suite.url}/videos/v1/projects", headers=headers)
        assert problem(answer, 401) == exception, value


@pytest.mark.parametrize(
    ("changes", "exception"),
    [
        ({"nbf": 1, "iat": 1, "exp": 2}, "ExpiredJWTTokenException"),
        ({"nbf": 33_000_000_000, "exp": 33_000_000_900}, "PrematureJWTTokenException"),
        ({"exp": None}, "EternalJWTTokenException"),
        ({"sub": None}, "InconsistentJWTClaimsException"),
        ({"team": UNKNOWN}, "InconsistentJWTClaimsException"),
    ],
)
def test_tokens_with_the_right_key_and_wrong_claims(
    suite: Suite, client: httpx.Client, changes: dict[str, Any], exception: str
) -> None:
    own = httpx.get(f"{suite.url}/accounts/v1/token", auth=("ada@example.org", PASSWORD)).json()
    token = forged_token(suite.data, own["userId"], **{"team": own["teamId"], **changes})
    answer = httpx.get(
        f"{suite.url}/videos/v1/projects", headers={"Authorization": f"Bearer {token}"}
    )
    assert problem(answer, 401) == exception


def test_wrong_passwords(suite: Suite, client: httpx.Client) -> None:
    for email, password in (("ada@example.org", "wrong"), ("nobody@example.org", PASSWORD)):
        answer = httpx.get(f"{suite.url}/accounts/v1/token", auth=(email, password))
        problem(answer, 401)


def test_text_named_as_a_video_ends_in_an_error_that_says_why(
    client: httpx.Client, tmp_path: Path
) -> None:
    path = tmp_path / "film.mp4"
    path.write_text("This is not a film.\n" * 100)
    video = upload(client, path)

    def failed() -> dict[str, Any] | None:
        answer = client.get(f"/videos/v1/check-ingest-video-progress/{video}").json()
        state: dict[str, Any] = answer["ingestionState"]
        return state if state["ingestionStatus"] == "ERROR" else None

    state = wait_for(failed, seconds=30, what="ingestion to fail")
    assert state
    assert state["errorMessage"]
    refused = client.post(f"/videos/v1/process-video/{video}", json={})
    problem(refused, 409)


def stored(suite: Suite) -> set[Path]:
    return {path for path in (suite.data / "storage").rglob("*") if path.is_file()}


def upload_status(client: httpx.Client, video: str) -> str:
    found = client.get(f"/videos/v1/video/{video}").json()["video"]
    return str(found["upload"]["uploadState"]["uploadStatus"])


def test_an_upload_that_breaks_off_leaves_nothing(suite: Suite, client: httpx.Client) -> None:
    video = create(client, name="broken")["videoId"]
    before = stored(suite)
    host, port = suite.url.removeprefix("http://").split(":")
    head = (
        f"POST /media/v1/upload/{video} HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: {client.headers['Authorization']}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 50000000\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
    )
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + bytes(8 << 20))
        wait_for(
            lambda: upload_status(client, video) == "IN_PROGRESS",
            seconds=30,
            what="the upload to be seen",
        )
    wait_for(
        lambda: upload_status(client, video) == "INITIAL",
        seconds=30,
        what="the upload to be forgotten",
    )
    assert stored(suite) == before
    answer = client.post(
        f"/media/v1/upload/{video}", files={"file": (FILM.name, FILM.read_bytes())}
    )
    assert answer.status_code == 200, answer.text


def test_uploads_that_are_refused(suite: Suite, client: httpx.Client) -> None:
    video = create(client, name="odd")["videoId"]
    address = f"/media/v1/upload/{video}"
    before = stored(suite)
    problem(client.post(address, json={"file": "x"}), 415)
    problem(client.post(address, files={"file": ("a.mp4", b"")}), 400)
    problem(client.post(address, data={"note": "x"}, files={}), 415)
    assert stored(suite) == before
    whole = client.post(address, files={"file": ("a.mp4", FILM.read_bytes())})
    assert whole.status_code == 200
    twice = client.post(address, files={"file": ("a.mp4", FILM.read_bytes())})
    problem(twice, 409)


def test_the_tasks_api_answers_in_its_own_words(suite: Suite, secret: str) -> None:
    def create_with(body: Any) -> httpx.Response:
        return httpx.post(f"{suite.url}/v2/create", json=body)

    missing = create_with({"secret": secret})
    assert missing.status_code == 400
    error = {"name": "tasks", "location": "body", "description": "tasks is missing"}
    assert missing.json() == {"status": "error", "errors": [error]}
    assert create_with({"secret": "WRONG", "tasks": []}).status_code == 401
    assert create_with({"tasks": {"task_name": "image.info"}}).status_code == 401
    odd = {"secret": secret, "tasks": [{"task_name": "image.nothing"}]}
    [status] = create_with(odd).json()
    assert status["status"] == "error"
    assert "task_name" in status["error"]["parameters"]


def test_no_such_route_and_no_such_method(client: httpx.Client) -> None:
    problem(client.get("/videos/v1/nothing"), 404)
    refused = client.delete("/videos/v1/projects")
    problem(refused, 405)
    assert refused.headers["allow"] == "GET, HEAD, OPTIONS"
    too_large = client.put("/videos/v1/project", content=b" " * (5 << 20))
    problem(too_large, 413)
    assert client.get("/nothing", headers={"X-Request-Id": "abc"}).headers["x-request-id"] == "abc"
