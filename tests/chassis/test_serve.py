"""A serving process: health, reflection, logs, and how it ends."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from socket import socket
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from services.chassis.errors import Unavailable, from_rpc
from tests.chassis.test_server import GOOD, refused
from tests.kit.identities import service
from vitascope.work.v1.work_pb2 import WorkRequest, WorkResponse
from vitascope.work.v1.work_pb2_grpc import LedgerServiceStub

LEDGER = "vitascope.work.v1.LedgerService"


def free_address() -> str:
    with closing(socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[Process]:
    """Run `tests.chassis.serving`; gives it once it runs, and kills what is left of it."""
    program = [sys.executable, "-m", "tests.chassis.serving", *arguments]
    running = await asyncio.create_subprocess_exec(*program, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.communicate()


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Process, grpc.aio.Channel, str]]:
    """Run the process until its channel is ready."""
    address = free_address()
    async with process(address) as server, grpc.aio.insecure_channel(address) as channel:
        await asyncio.wait_for(channel.channel_ready(), 20)
        yield server, channel, address


async def logs_of(server: Process) -> list[dict[str, Any]]:
    assert server.stderr
    return [json.loads(line) for line in (await server.stderr.read()).splitlines()]


async def test_health_and_reflection_need_no_credentials() -> None:
    async with serving() as (_, channel, address):
        check = health_pb2_grpc.HealthStub(channel).Check
        for name in ("", LEDGER):
            answer = await check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING

        def listed() -> list[str]:
            with grpc.insecure_channel(address) as plain:
                names: list[str] = ProtoReflectionDescriptorDatabase(plain).get_services()
                return names

        assert {LEDGER, "grpc.health.v1.Health"} <= set(await asyncio.to_thread(listed))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_lets_calls_end_and_refuses_new_ones(number: signal.Signals) -> None:
    async with serving() as (server, channel, _):
        assert server.stdin
        assert server.stdout
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        first = await watch.read()
        assert first.status == health_pb2.HealthCheckResponse.SERVING
        submit = asyncio.ensure_future(
            LedgerServiceStub(channel).Submit(GOOD, metadata=service("videos"))
        )
        assert await server.stdout.readline() == b"submitting\n"
        server.send_signal(number)
        assert type(await refused(watch.read())) is Unavailable
        server.stdin.write(b"go on\n")
        assert (await asyncio.wait_for(submit, 10)).items[0].owner == "videos"
        assert await asyncio.wait_for(server.wait(), 60) == 0
        lines = [line["event"] for line in await logs_of(server)]
        assert lines[0] == "serving"
        assert lines[-1] == "stopped"


async def test_a_stop_ends_lines_at_once() -> None:
    async with serving() as (server, channel, _):
        assert server.stdin
        line = LedgerServiceStub(channel).Work(metadata=service("worker"))
        await line.write(WorkRequest())
        assert isinstance(await line.read(), WorkResponse)
        server.stdin.write(b"go on\n")
        server.send_signal(signal.SIGTERM)
        error = await asyncio.wait_for(refused(line.read()), 60)
        assert type(error) is Unavailable
        assert await asyncio.wait_for(server.wait(), 60) == 0


async def test_background_work_that_dies_takes_the_process_down() -> None:
    async with process(free_address(), "break") as server:
        assert await asyncio.wait_for(server.wait(), 20) == 1
        assert server.stderr
        report = (await server.stderr.read()).decode()
        assert "RuntimeError: background work ended: _break" in report
        assert "LookupError: the relay lost its way" in report


async def test_a_taken_port_is_an_error() -> None:
    async with serving() as (_, _, address), process(address) as second:
        assert await asyncio.wait_for(second.wait(), 20) == 1


async def test_logs_are_json_with_request_id_and_service() -> None:
    async with serving() as (server, channel, _):
        metadata = (("x-request-id", "req-9"), ("authorization", "Secret hush-hush"))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await LedgerServiceStub(channel).Submit(GOOD, metadata=metadata)
        assert from_rpc(caught.value).code == grpc.StatusCode.PERMISSION_DENIED
        server.send_signal(signal.SIGTERM)
        lines = await asyncio.wait_for(logs_of(server), 10)
        line = next(line for line in lines if line["event"] == "rpc")
        assert (line["request_id"], line["service"], line["level"]) == ("req-9", "ledger", "info")
        assert "hush-hush" not in json.dumps(lines)
