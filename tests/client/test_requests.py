"""Single requests: what is sent, what is repeated, and what is raised."""

import json
from datetime import UTC, datetime

import httpx
import pytest

from client import (
    Deletion,
    Events,
    InvalidRequestError,
    Listing,
    Problem,
    RefusedError,
    StoredFile,
    Task,
    TasksApiError,
    TasksClient,
    UnauthorizedError,
    UnavailableError,
)
from tests.client.double import Answer, Double, state
from tests.kit.servers import free_port


def answer(body: object, status: int = 200) -> Answer:
    return Answer([json.dumps(body).encode()], status)


async def test_a_creation_says_all_of_a_task(double: Double, tasks: TasksClient) -> None:
    double.answers = [answer([state("A", "queued"), state("B", "queued")])]
    thumb = Task(
        "image.thumb",
        {"url": "http://a.example/", "width": 200},
        {"type": "volatile"},
        "http://b.example/good",
        "http://b.example/bad",
        {"mine": [1]},
    )
    created = await tasks.create([thumb, Task("hello")])
    assert [status.key for status in created] == ["A", "B"]
    [request] = double.asked
    assert request.headers["authorization"] == "Secret the secret"
    assert request.json()["tasks"] == [
        {
            "task_name": "image.thumb",
            "url": "http://a.example/",
            "width": 200,
            "task_store": {"type": "volatile"},
            "url_callback": "http://b.example/good",
            "url_errback": "http://b.example/bad",
            "task_metas": {"mine": [1]},
        },
        {"task_name": "hello"},
    ]


async def test_many_tasks_go_in_batches_of_names_of_their_own(
    double: Double, tasks: TasksClient
) -> None:
    double.answers = [
        answer([state(str(number), "queued") for number in range(1000)]),
        answer([state("1000", "queued")]),
    ]
    created = await tasks.create([Task("hello")] * 1001)
    assert [status.key for status in created] == [str(number) for number in range(1001)]
    assert [len(request.json()["tasks"]) for request in double.asked] == [1000, 1]
    assert len({request.headers["idempotency-key"] for request in double.asked}) == 2


async def test_what_a_status_says(double: Double, tasks: TasksClient) -> None:
    documented = {
        "status": "success",
        "progress": None,
        "events": {
            "completed": "2013-10-31T14:54:52.689272+00:00",
            "queued": "2013-10-31T14:54:51.987459+00:00",
        },
        "key": "UM6EFJKQWMVON5N3CBKPV52NHE",
        "result": {"height": 1320, "rotation": None},
        "attempts": 2,
    }
    double.answers = [answer([documented])]
    [status] = await tasks.status(["UM6EFJKQWMVON5N3CBKPV52NHE"], details=True)
    assert double.asked[0].json() == {"tasks": ["UM6EFJKQWMVON5N3CBKPV52NHE"], "details": True}
    assert status.ended
    assert (status.progress, status.failure) == (None, None)
    assert status.result == {"height": 1320, "rotation": None}
    assert status.events == Events(
        queued=datetime(2013, 10, 31, 14, 54, 51, 987459, UTC),
        completed=datetime(2013, 10, 31, 14, 54, 52, 689272, UTC),
    )
    assert status.content["attempts"] == 2


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, InvalidRequestError), (401, UnauthorizedError), (409, RefusedError)],
)
async def test_refusals_have_the_documented_details(
    double: Double, tasks: TasksClient, status: int, kind: type[RefusedError]
) -> None:
    entry = {"name": "tasks", "location": "body", "description": "tasks is missing"}
    double.answers = [answer({"status": "error", "errors": [entry]}, status)]
    with pytest.raises(kind, match="tasks is missing") as caught:
        await tasks.create([Task("hello")])
    assert caught.value.status == status
    assert caught.value.problems == (Problem("tasks", "body", "tasks is missing"),)


@pytest.mark.parametrize("status", [500, 599])
async def test_a_refusal_without_details_still_says_something(
    double: Double, tasks: TasksClient, status: int
) -> None:
    double.answers = [Answer([b"<html>"], status)]
    with pytest.raises(RefusedError, match=f"the server answered {status}"):
        await tasks.expiration()


async def test_an_answer_of_somebody_else(double: Double, tasks: TasksClient) -> None:
    double.answers = [Answer([b"<html>It works!"])]
    with pytest.raises(TasksApiError, match=r"what http.* answers is not of the Tasks API"):
        await tasks.expiration()


async def test_503_and_lost_connections_are_tried_again(double: Double, tasks: TasksClient) -> None:
    double.answers = [
        Answer(status=503, headers={"Retry-After": "0"}),
        None,
        Answer([b'[{"status'], cut=True),
        Answer(status=502),
        answer([state("A", "queued")]),
    ]
    await tasks.create([Task("hello")])
    assert len({request.headers["idempotency-key"] for request in double.asked}) == 1


async def test_retry_after_is_waited_for(double: Double) -> None:
    double.answers = [Answer(status=503, headers={"Retry-After": "30"})]
    async with TasksClient(double.url, patience=20) as client:
        with pytest.raises(UnavailableError):
            await client.expiration()


async def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    async with TasksClient(f"http://127.0.0.1:{free_port()}", patience=0.2) as client:
        with pytest.raises(UnavailableError, match=r"no answer from 127\.0\.0\.1:\d+: "):
            await client.status(["A"])


async def test_storage(double: Double, tasks: TasksClient) -> None:
    file = {"name": "K/a b", "size": 4, "last_modified": "2013-10-28T20:22:21.000Z"}
    gone = {"deleted": ["K/a b"], "freed": 4, "usage": 0}
    double.answers = [
        answer({"files": [file], "directories": ["K/"], "usage": 4}),
        answer(gone),
        answer(gone),
        answer({"days": 3}),
        answer({"days": 3}),
    ]
    made = datetime(2013, 10, 28, 20, 22, 21, tzinfo=UTC)
    listing = await tasks.files("K", recursive=True)
    assert listing == Listing((StoredFile("K/a b", 4, made),), ("K/",), 4)
    assert await tasks.delete_files("K/a b", made_from=made, max_age=2, dry_run=True) == Deletion(
        ("K/a b",), 4, 0
    )
    await tasks.delete_urls(["http://a.example/storage/K"])
    await tasks.set_expiration(3)
    assert await tasks.expiration() == 3
    asked = [(each.method, each.target, each.body and each.json()) for each in double.asked]
    assert asked == [
        ("GET", "/v2/storage/files/K?recursive=true", b""),
        (
            "DELETE",
            "/v2/storage/files/K/a%20b",
            {"from": made.isoformat(), "max_age": 2, "dry_run": True},
        ),
        (
            "DELETE",
            "/v2/storage/files/",
            {"urls": ["http://a.example/storage/K"], "dry_run": False},
        ),
        ("POST", "/v2/storage/expiration", {"days": 3}),
        ("GET", "/v2/storage/expiration", b""),
    ]


async def test_a_lent_connection_is_left_open(double: Double) -> None:
    double.answers = [answer({"days": 0}), answer({"days": 0})]
    async with httpx.AsyncClient() as http:
        for _ in range(2):
            async with TasksClient(double.url, http=http) as client:
                assert await client.expiration() == 0
    assert "authorization" not in double.asked[0].headers
