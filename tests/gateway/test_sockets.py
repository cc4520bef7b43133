"""The same over real connections, and the process itself."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import environ

import httpx
import pytest

from tests.gateway.lab import Lab
from tests.kit.servers import free_port, listens
from tests.kit.waiting import wait_for

KEY = "a key of these tests, thirty-two characters or more"


async def test_one_connection_many_requests(wire: httpx.AsyncClient) -> None:
    for number in range(5):
        answer = await wire.post("/lab/echo", json={"whole": number})
        assert answer.json()["whole"] == number
    assert (await wire.get("//lab//nothing")).status_code == 404
    assert (await wire.post("/lab/echo", content=b"{")).status_code == 400
    assert (await wire.get("/healthz")).status_code == 200


async def test_a_client_that_leaves_cancels_its_call(port: int, lab: Lab) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /lab/echo/hang HTTP/1.1\r\nhost: lab\r\n\r\n")
    await asyncio.wait_for(lab.waiting.wait(), 10)
    writer.close()
    await asyncio.wait_for(lab.cancelled.wait(), 10)


async def test_many_at_once(wire: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(wire.get(f"/lab/echo/{n}") for n in range(40)))
    assert [answer.json()["text"] for answer in answers] == [str(n) for n in range(40)]


@contextmanager
def gateway_process(
    port: int, more: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    settings = {
        "VITASCOPE_INTERNAL_KEY": KEY,
        "VITASCOPE_ENCRYPTION_KEY": KEY,
        "VITASCOPE_HTTP_ADDRESS": f"127.0.0.1:{port}",
        **{f"VITASCOPE_{name}_ADDRESS": "127.0.0.1:1" for name in ("TASKS", "MEDIA", "VIDEOS")},
        **(more or {}),
    }
    command = [sys.executable, "-m", "gateway"]
    process = subprocess.Popen(command, env=environ | settings, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_serves_and_stops_when_told(number: signal.Signals) -> None:
    port = free_port()
    with gateway_process(port) as process:
        wait_for(lambda: listens(port), seconds=30, what="the gateway")
        answer = httpx.get(f"http://127.0.0.1:{port}/v2/status?tasks=A")
        assert answer.status_code == 503
        assert answer.json()["status"] == "error"
        process.send_signal(number)
        assert process.wait(20) == 0


def test_a_taken_port_is_an_error() -> None:
    port = free_port()
    with gateway_process(port):
        wait_for(lambda: listens(port), seconds=30, what="the gateway")
        with gateway_process(port) as second:
            assert second.wait(20) != 0
