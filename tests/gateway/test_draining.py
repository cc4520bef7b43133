"""The end of the process: what runs may finish, and nothing begins."""

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from tests.gateway.lines import SECONDS, line_to, request
from tests.gateway.test_sockets import gateway_process
from tests.kit.servers import free_port, listens
from tests.kit.waiting import wait_for_async


class Slow(grpc.GenericRpcHandler):
    """Answers every call with an empty message, once it is told to."""

    def __init__(self) -> None:
        self.called = asyncio.Event()
        self.finish = asyncio.Event()

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        async def answer(_: bytes, __: Any) -> bytes:
            self.called.set()
            await self.finish.wait()
            return b""

        return grpc.unary_unary_rpc_method_handler(answer)


@pytest.fixture
async def slow() -> AsyncIterator[tuple[Slow, str]]:
    """A service that waits, and its address."""
    server, handler = grpc.aio.server(), Slow()
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield handler, f"127.0.0.1:{port}"
    await server.stop(None)


@pytest.mark.parametrize("finishes", [True, False])
async def test_running_requests_may_finish_for_a_while(
    slow: tuple[Slow, str], finishes: bool
) -> None:
    service, address = slow
    port = free_port()
    with gateway_process(port, {"VITASCOPE_ACCOUNTS_ADDRESS": address}) as process:
        await wait_for_async(lambda: listens(port), seconds=30, what="the gateway")
        async with line_to(port) as idle, line_to(port) as running:
            await idle.say(request("HEAD", "/openapi.json"))
            assert (await idle.head()).startswith("http/1.1 200 ")
            await running.say(request("GET", "/accounts/v1/account"))
            await asyncio.wait_for(service.called.wait(), SECONDS)
            process.send_signal(signal.SIGTERM)
            await wait_for_async(lambda: not listens(port), what="the end of listening")
            assert await idle.rest() == b""
            assert process.poll() is None
            if finishes:
                service.finish.set()
                assert (await running.head()).startswith("http/1.1 200 ")
            assert await asyncio.to_thread(process.wait, 20) == 0


class Endless(grpc.GenericRpcHandler):
    """Answers every call with one empty message, and keeps it open."""

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        async def answer(_: bytes, __: Any) -> AsyncIterator[bytes]:
            yield b""
            await asyncio.Event().wait()

        return grpc.unary_stream_rpc_method_handler(answer)


@pytest.fixture
async def endless() -> AsyncIterator[str]:
    """The address of a service whose answers do not end."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Endless(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(None)


async def test_streams_end_at_once_with_a_line_that_says_so(endless: str) -> None:
    port = free_port()
    with gateway_process(port, {"VITASCOPE_TASKS_ADDRESS": endless}) as process:
        await wait_for_async(lambda: listens(port), seconds=30, what="the gateway")
        async with line_to(port) as line:
            await line.say(request("GET", f"/v2/status_stream?tasks={'A' * 26}"))
            assert (await line.head()).startswith("http/1.1 200 ")
            process.send_signal(signal.SIGTERM)
            told = await line.rest()
        assert b"The server stops before the end of the answer" in told
        assert told.endswith(b"\r\n0\r\n\r\n")
