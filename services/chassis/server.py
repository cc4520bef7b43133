"""A gRPC server with the suite's interceptors, health, reflection and graceful stop."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import grpc
import structlog
from google.protobuf import descriptor_pool
from grpc_health.v1 import (
    health,
    health_pb2,
    health_pb2_grpc,
)
from grpc_reflection.v1alpha import reflection

from services.chassis import telemetry
from services.chassis.auth import Authenticator
from services.chassis.clients import MESSAGE_LIMIT, METADATA_LIMIT
from services.chassis.collecting import spare_the_collector
from services.chassis.contract import methods_of
from services.chassis.interceptors import Interceptors
from services.chassis.settings import Settings

Registration = tuple[Callable[[Any, grpc.aio.Server], None], object]
Background = Callable[[], Coroutine[Any, Any, None]]

GRACE_SECONDS = 10.0

log = structlog.stdlib.get_logger(__name__)

_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_send_message_length", MESSAGE_LIMIT),
    ("grpc.max_receive_message_length", MESSAGE_LIMIT),
    ("grpc.max_metadata_size", METADATA_LIMIT),
    ("grpc.absolute_max_metadata_size", METADATA_LIMIT),
    # What a stream has sent and nobody has read yet lies in memory. gRPC widens that to many MiB
    # where there are slow disks to wait for; a message as large as any passes all the same.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 2**18),
    # Two servers on one port would share its calls; the second must fail to start.
    ("grpc.so_reuseport", 0),
    # Allow what CHANNEL_OPTIONS of the clients send.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
)


def create_server(
    servicers: Sequence[Registration], authenticator: Authenticator
) -> grpc.aio.Server:
    """Return a server that is not started and has no port yet.

    Raises ValueError when an RPC names no known scope.
    """
    return _create(servicers, authenticator)[0]


async def serve(
    name: str,
    address: str,
    servicers: Sequence[Registration],
    authenticator: Authenticator,
    *,
    settings: Settings,
    background: Sequence[Background] = (),
    on_stop: Callable[[], None] | None = None,
) -> None:
    """Serve on `HOST:PORT` until SIGTERM or SIGINT, then stop gracefully.

    A stop refuses new calls, ends health watches and bidirectional calls with UNAVAILABLE, calls
    `on_stop` for those that only wait, lets the others end within 10 s, then ends the background
    coroutines. These run as long as the server: one that ends before raises RuntimeError here,
    which takes the process down for its supervisor to restart.
    """
    telemetry.setup(name, settings)
    server, interceptors = _create(servicers, authenticator)
    await _add_health_and_reflection(server, servicers)
    server.add_insecure_port(address)
    stop_metrics = (
        telemetry.start_metrics(settings.metrics_address) if settings.metrics_address else None
    )
    stopped = _stop_on_signals()
    await server.start()
    spare_the_collector()
    log.info("serving", address=address)
    tasks = [asyncio.create_task(each(), name=_name_of(each)) for each in background]
    try:
        await _watch(stopped, tasks)
    finally:
        await interceptors.end_lines()
        if on_stop:
            on_stop()
        await server.stop(GRACE_SECONDS)
        await _cancel(tasks)
        if stop_metrics:
            stop_metrics()
        log.info("stopped")


def _create(
    servicers: Sequence[Registration], authenticator: Authenticator
) -> tuple[grpc.aio.Server, Interceptors]:
    pool = descriptor_pool.Default()
    services = [pool.FindServiceByName(_service_name(register)) for register, _ in servicers]
    interceptors = Interceptors(methods_of(services), authenticator)
    server = grpc.aio.server(interceptors=[interceptors], options=_OPTIONS)
    for register, servicer in servicers:
        register(servicer, server)
    return server, interceptors


def _service_name(register: Callable[[Any, grpc.aio.Server], None]) -> str:
    """Return the full name of the service that a generated `add_..._to_server` registers."""
    package = register.__module__.rpartition(".")[0]
    return f"{package}.{register.__name__.removeprefix('add_').removesuffix('Servicer_to_server')}"


async def _add_health_and_reflection(
    server: grpc.aio.Server, servicers: Sequence[Registration]
) -> None:
    names = [_service_name(register) for register, _ in servicers]
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    for name in ("", *names):
        await servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    own = (health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection((*names, *own), server)


def _stop_on_signals() -> asyncio.Event:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


async def _watch(stopped: asyncio.Event, tasks: Sequence[asyncio.Task[None]]) -> None:
    """Return when the stop comes. Raises RuntimeError when a task ends before."""
    stop = asyncio.create_task(stopped.wait())
    done, _ = await asyncio.wait([stop, *tasks], return_when=asyncio.FIRST_COMPLETED)
    if stop not in done:
        await _cancel([stop])
        for task in tasks:
            if task.done():
                cause = None if task.cancelled() else task.exception()
                raise RuntimeError(f"background work ended: {task.get_name()}") from cause


async def _cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _name_of(background: Background) -> str:
    return getattr(background, "__qualname__", repr(background))
