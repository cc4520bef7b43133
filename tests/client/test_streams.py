"""Streams that break, and what the client makes of them."""

from contextlib import aclosing

import pytest

from client import NotFoundError, Task, TaskError, TasksClient, TaskStatus, UnavailableError
from tests.client.double import Answer, Double, said, state

A, B = "A" * 26, "B" * 26


async def followed(tasks: TasksClient, *keys: str) -> list[tuple[str, str]]:
    return [(status.key[0], status.state) async for status in tasks.follow(keys)]


async def test_every_status_of_every_task_in_order(double: Double, tasks: TasksClient) -> None:
    double.answers = [
        said(
            [state(A, "queued"), state(B, "queued")],
            state(B, "executing", progress=10),
            "\n",
            state(B, "executing", progress=50, result={"duration": 3}),
            "\n\n",
            state(A, "success", result={"width": 1}),
            state(B, "error", error="broken"),
        )
    ]
    found = [status async for status in tasks.follow([A, B, A])]
    assert [(each.key[0], each.state, each.progress) for each in found] == [
        ("A", "queued", None),
        ("B", "queued", None),
        ("B", "executing", 10),
        ("B", "executing", 50),
        ("A", "success", None),
        ("B", "error", None),
    ]
    assert found[3].result == {"duration": 3}
    [request] = double.asked
    assert (request.method, request.target) == ("POST", "/v2/status_stream")
    assert request.json() == {"tasks": [A, B]}


@pytest.mark.parametrize(
    "broken",
    [
        said([state(A, "queued"), state(B, "executing")], state(A, "success"), cut=True),
        said([state(A, "queued"), state(B, "executing")], state(A, "success")),
        said(
            [state(A, "queued"), state(B, "executing")],
            state(A, "success"),
            '{"status": "success", "key": "BBB',
            cut=True,
        ),
        said(
            [state(A, "queued"), state(B, "executing")],
            state(A, "success"),
            "<html>bad gateway</html>\n",
        ),
        said([state(A, "queued"), state(B, "executing")], state(A, "success"), ["no status"]),
    ],
    ids=["cut", "ended early", "half a line", "no JSON", "no status"],
)
async def test_a_stream_that_breaks_goes_on_with_what_has_not_ended(
    double: Double, tasks: TasksClient, broken: Answer
) -> None:
    double.answers = [
        broken,
        None,
        Answer(status=503, headers={"Retry-After": "0"}),
        said([state(B, "executing")], state(B, "success", result={"n": 1})),
    ]
    assert await followed(tasks, A, B) == [
        ("A", "queued"),
        ("B", "executing"),
        ("A", "success"),
        ("B", "success"),
    ]
    assert [request.json() for request in double.asked[1:]] == [{"tasks": [B]}] * 3


async def test_what_ended_while_nobody_listened_is_heard(
    double: Double, tasks: TasksClient
) -> None:
    double.answers = [
        said([state(A, "executing")], cut=True),
        said([state(A, "success", result="Hello")]),
    ]
    found = [status async for status in tasks.follow([A])]
    assert [status.state for status in found] == ["executing", "success"]
    assert found[-1].result == "Hello"


async def test_the_last_line_needs_its_end(double: Double, tasks: TasksClient) -> None:
    double.answers = [
        said([state(A, "executing")], '{"status": "success", "key": "A"}'),
        said([state(A, "success")]),
    ]
    assert await followed(tasks, A) == [("A", "executing"), ("A", "success")]


async def test_lines_in_pieces_of_any_size(double: Double, tasks: TasksClient) -> None:
    line = '[{"status": "success", "key": "K", "result": "caf\u00e9 \u2028 \\n"}]\n'.encode()
    double.answers = [Answer([bytes([byte]) for byte in line])]
    [status] = [status async for status in tasks.follow(["K"])]
    assert status.result == "café \u2028 \n"


async def test_a_creation_that_breaks_is_repeated_by_the_same_name(
    double: Double, tasks: TasksClient
) -> None:
    double.answers = [None, said('[{"status": "que', cut=True), said([state(A, "success")])]
    status = await tasks.run(Task("image.info", {"url": "http://a.example/"}))
    assert status.key == A
    names = {request.headers["idempotency-key"] for request in double.asked}
    assert len(names) == 1
    assert {request.target for request in double.asked} == {"/v2/create_stream"}
    assert double.asked[0].json() == {
        "tasks": [{"task_name": "image.info", "url": "http://a.example/"}]
    }


async def test_a_task_that_fails_says_which_parameters(double: Double, tasks: TasksClient) -> None:
    error = {"parameters": {"url": ["this field is required"], "width": ["must be an integer"]}}
    double.answers = [said([state(A, "error", error=error)])]
    with pytest.raises(TaskError, match="url: this field is required; width: must") as caught:
        await tasks.run(Task("image.thumb"))
    assert caught.value.parameters == {
        "url": ("this field is required",),
        "width": ("must be an integer",),
    }
    assert caught.value.status.key == A


async def test_waiting_returns_the_ends_in_order(double: Double, tasks: TasksClient) -> None:
    double.answers = [
        said([state(B, "queued"), state(A, "error", error="no")], state(B, "success", result=1))
    ]
    ends = await tasks.wait([B, A, B])
    assert [(each.key, each.state) for each in ends] == [
        (B, "success"),
        (A, "error"),
        (B, "success"),
    ]


async def test_nothing_is_waited_for_without_asking(double: Double, tasks: TasksClient) -> None:
    assert await tasks.wait([]) == []
    assert double.asked == []


async def test_patience_ends(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    double.answers = [said([state(A, "executing")], cut=True), Answer(status=503)]
    async with TasksClient(double.url, patience=0.25) as client:
        with pytest.raises(UnavailableError, match="503 Service Unavailable"):
            await followed(client, A)


async def test_a_refusal_is_not_repeated(double: Double, tasks: TasksClient) -> None:
    double.answers = [said([state(A, "executing")], cut=True), Answer(status=404)]
    with pytest.raises(NotFoundError):
        await followed(tasks, A)


async def test_who_leaves_early_leaves_nothing_open(double: Double, tasks: TasksClient) -> None:
    double.answers = [said([state(A, "executing")], state(A, "success"))]
    found: list[TaskStatus] = []
    async with aclosing(tasks.follow([A])) as updates:
        async for status in updates:
            found.append(status)
            break
    assert [status.state for status in found] == ["executing"]
