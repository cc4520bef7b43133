"""`task_store` by REST: every store, with what is wrong, what is told and what is hidden."""

import io
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import av
import httpx
import obstore
import pytest
from obstore.store import S3Store
from PIL import Image

from tests.kit.s3 import ACCESS_KEY, BUCKET, SECRET_KEY
from tests.kit.youtube import KEY, TOKEN, Youtube
from tests.surfaces.keeper import Keeper

YOUTUBE = {"type": "youtube", "access_token": TOKEN, "developer_key": KEY, "title": "A cat"}
CREDENTIAL = "a-credential-in-a-signed-address"


@pytest.fixture(scope="module")
def bucket(s3_url: str) -> S3Store:
    """A real S3 server's bucket, and the right to sign."""
    [endpoint] = parse_qs(urlsplit(s3_url).query)["endpoint"]
    return S3Store(
        BUCKET,
        endpoint=endpoint,
        region="us-east-1",
        access_key_id=ACCESS_KEY,
        secret_access_key=SECRET_KEY,
        client_options={"allow_http": True},
    )


def run(keeper: Keeper, store: dict[str, Any], name: str = "image.thumb") -> dict[str, Any]:
    """Have a thumbnail made in a store; the task's status at the end."""
    task: dict[str, Any] = {"task_name": name, "url": keeper.picture, "task_store": store}
    if name == "image.thumb":
        task |= {"width": 64, "height": 64}
    body = {**keeper.secret(), "tasks": task, "block": True}
    answer = keeper.client.post("/v2/create", json=body)
    assert answer.status_code == 200, answer.text
    [status] = answer.json()
    return dict(status)


def details(keeper: Keeper, key: str) -> dict[str, Any]:
    query = {**keeper.secret(), "tasks": key, "details": "true"}
    [status] = keeper.client.get("/v2/status", params=query).json()
    return dict(status)


def at_rest(keeper: Keeper) -> bytes:
    """Everything in the ledger's database and in the logs of all parts."""
    with closing(sqlite3.connect(keeper.suite.data / "db" / "tasks.sqlite", timeout=30)) as rows:
        kept = "\n".join(rows.iterdump()).encode()
    logs = b"".join(path.read_bytes() for path in (keeper.suite.data / "logs").glob("*.log"))
    return kept + logs


def hidden(keeper: Keeper, secret: str) -> None:
    """See that a secret is neither in the database, as it is or in hexadecimal, nor in a log."""
    kept = at_rest(keeper)
    assert secret.encode() not in kept
    assert secret.encode().hex().encode() not in kept.lower()


@pytest.mark.parametrize("store", ["persistent", "volatile", None])
def test_files_in_the_house(store: str | None, keeper: Keeper) -> None:
    status = run(keeper, {"type": store} if store else {})
    assert status["status"] == "success"
    address = status["result"]["output"]
    assert address.startswith(f"{keeper.suite.url}/storage/")
    with Image.open(io.BytesIO(keeper.client.get(address).content)) as made:
        assert made.width == 64


def test_dummy_makes_the_file_and_throws_it_away(keeper: Keeper) -> None:
    before = keeper.list()
    status = run(keeper, {"type": "dummy"})
    assert status["status"] == "success"
    assert status["result"]["width"] == 64
    assert not status["result"].get("output")
    assert keeper.list() == before


def test_a_signed_address_of_a_real_server(keeper: Keeper, bucket: S3Store) -> None:
    url = obstore.sign(bucket, "PUT", "rest/cat.jpg", expires_in=timedelta(minutes=10))
    status = run(keeper, {"type": "s3_signed", "url": url})
    assert status["status"] == "success", status
    assert status["result"]["output"] == url.partition("?")[0]
    signed = obstore.sign(bucket, "GET", "rest/cat.jpg", expires_in=timedelta(minutes=1))
    there = httpx.get(signed)
    assert there.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(there.content)) as made:
        assert made.width == 64
    [signature] = parse_qs(urlsplit(url).query)["X-Amz-Signature"]
    assert signature not in json.dumps(details(keeper, status["key"]))
    hidden(keeper, signature)


def test_a_signature_that_has_expired_is_an_error_in_the_servers_words(
    keeper: Keeper, bucket: S3Store
) -> None:
    url = obstore.sign(bucket, "PUT", "rest/late.jpg", expires_in=timedelta(minutes=10))
    status = run(keeper, {"type": "s3_signed", "url": url.replace("Signature=", "Signature=0")})
    assert status["status"] == "error"
    assert "answered the file with status 403, SignatureDoesNotMatch" in status["error"]
    [signature] = parse_qs(urlsplit(url).query)["X-Amz-Signature"]
    assert signature not in json.dumps(details(keeper, status["key"]))


def test_a_video_goes_up_to_youtube(keeper: Keeper, youtube: Youtube, film: str) -> None:
    youtube.start_over()
    more = {"description": "It sleeps.", "tags": ["cat"], "privacy_status": "unlisted"}
    store = YOUTUBE | more | {"category_id": 15}
    task = {"task_name": "video.convert", "url": film, "width": 64, "crf": 40, "task_store": store}
    before = keeper.list()
    body = {**keeper.secret(), "tasks": task, "block": True}
    [status] = keeper.client.post("/v2/create", json=body, timeout=300).json()
    assert status["status"] == "success", status
    [(name, video)] = youtube.videos.items()
    result = status["result"]
    assert result["output"] == f"https://www.youtube.com/watch?v={name}"
    assert (result["content_type"], result["width"], result["duration"]) == ("video/mp4", 64, 6)
    assert video.content_type == "video/mp4"
    with av.open(io.BytesIO(video.data)) as sent:
        assert sent.streams.video[0].width == 64
    assert video.about == {
        "snippet": {
            "title": "A cat",
            "description": "It sleeps.",
            "tags": ["cat"],
            "categoryId": "15",
        },
        "status": {"privacyStatus": "unlisted"},
    }
    assert keeper.list() == before
    assert TOKEN not in json.dumps(details(keeper, status["key"]))
    hidden(keeper, TOKEN)


def test_what_youtube_says_against_a_video_is_told(
    keeper: Keeper, youtube: Youtube, film: str
) -> None:
    youtube.start_over()
    task = {"task_name": "video.convert", "url": film, "width": 64, "crf": 40}
    store = YOUTUBE | {"access_token": "ya29.of-yesterday"}
    body = {**keeper.secret(), "tasks": task | {"task_store": store}, "block": True}
    [status] = keeper.client.post("/v2/create", json=body, timeout=300).json()
    assert status["status"] == "error"
    assert "status 401, authError" in status["error"]
    assert not youtube.videos
    hidden(keeper, "ya29.of-yesterday")


class _Inward(BaseHTTPRequestHandler):
    """Sends whoever comes to an address inside."""

    came: list[str]

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_PUT(self) -> None:
        self.came.append(self.path)
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(307)
        self.send_header("Location", "http://169.254.169.254/latest/meta-data")
        self.send_header("Content-Length", str(1 << 40))
        self.end_headers()


@contextmanager
def inward() -> Iterator[tuple[str, list[str]]]:
    came: list[str] = []
    handler = type("Handler", (_Inward,), {"came": came})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/a?X-Amz-Signature={CREDENTIAL}", came
    finally:
        server.shutdown()
        server.server_close()


def test_a_server_that_leads_elsewhere_is_not_followed(keeper: Keeper) -> None:
    with inward() as (url, came):
        status = run(keeper, {"type": "s3_signed", "url": url})
    assert status["status"] == "error"
    assert "answered the file with status 307" in status["error"]
    assert len(came) == 1
    assert CREDENTIAL not in json.dumps(details(keeper, status["key"]))
    hidden(keeper, CREDENTIAL)


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "[fd00::1]", "[::]"])
def test_nothing_is_sent_inside(host: str, keeper: Keeper) -> None:
    status = run(keeper, {"type": "s3_signed", "url": f"http://{host}/a"})
    assert status["status"] == "error"
    assert "is not on the public internet" in status["error"]


@pytest.mark.parametrize(
    ("store", "name", "words"),
    [
        ({"type": "elsewhere"}, "image.thumb", "must be one of"),
        ({"type": "s3_signed"}, "image.thumb", "url: this field is required"),
        ({"type": "s3_signed", "url": "ftp://x/a"}, "image.thumb", "url: "),
        ({"type": "s3_signed", "url": "http://x/a"}, "image.info", "exactly one output file"),
        ({"type": "youtube"}, "image.thumb", "access_token: this field is required"),
        (YOUTUBE, "image.thumb", "that make a file of type video"),
        (YOUTUBE | {"privacy_status": "secret"}, "image.thumb", "privacy_status: "),
        (YOUTUBE | {"tags": "cat"}, "image.thumb", "tags: "),
    ],
)
def test_what_is_wrong_with_a_store_is_told_at_once(
    store: dict[str, Any], name: str, words: str, keeper: Keeper
) -> None:
    status = run(keeper, store, name)
    assert status["status"] == "error"
    said = status["error"]["parameters"]["task_store"]
    assert any(words in each for each in said), said
    shown = json.dumps(details(keeper, status["key"]))
    assert TOKEN not in shown
    assert KEY not in shown
    hidden(keeper, TOKEN)
