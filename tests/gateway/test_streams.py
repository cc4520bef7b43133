"""Streams of messages."""

import json

import httpx


async def test_each_message_is_a_line(client: httpx.AsyncClient) -> None:
    answer = await client.get("/lab/watch/3")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in answer.text.splitlines()] == [
        {"number": 0},
        {"number": 1},
        {"number": 2},
    ]


async def test_no_message_is_an_empty_answer(client: httpx.AsyncClient) -> None:
    answer = await client.get("/lab/watch/0")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_an_error_before_the_first_message_is_an_answer(client: httpx.AsyncClient) -> None:
    answer = await client.get("/lab/watch/-1")
    assert answer.status_code == 404
    assert answer.json()["errorMessage"] == "no such count"


async def test_an_error_later_is_the_last_line(client: httpx.AsyncClient) -> None:
    lines = (await client.get("/lab/watch/13")).text.splitlines()
    assert len(lines) == 14
    assert json.loads(lines[-1])["errorMessage"] == "lost on the way"
