"""Channels to the services behind the gateway, and whether those services are well."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, get_args

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.chassis.settings import Service

SERVICES: tuple[Service, ...] = get_args(Service)
_HEALTH_SECONDS = 2.0
_MESSAGE_BYTES = 16 * 2**20
_OPTIONS: Sequence[tuple[str, Any]] = (
    ("grpc.max_receive_message_length", _MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MESSAGE_BYTES),
    # What comes unasked is held for as long as a client is slow. A message that is waited for comes
    # at full speed all the same: the window then opens for the whole of it.
    ("grpc.http2.lookahead_bytes", 2**16),
    ("grpc.http2.bdp_probe", 0),
    # Of several replicas every one gets its share, and one that falls is passed over.
    ("grpc.lb_policy_name", "round_robin"),
    # A service that restarts is found again within a second.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # A service whose machine vanished is noticed while a stream is open.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
)


class Channels:
    """One channel a service. The caller's credentials travel with each call, none of ours do."""

    def __init__(self, target_of: Callable[[Service], str]) -> None:
        """To be made inside of the event loop that the calls will run in."""
        self._channels = {
            name: grpc.aio.insecure_channel(target_of(name), options=_OPTIONS) for name in SERVICES
        }

    def callable(self, rpc: MethodDescriptor) -> Any:
        """Return what calls an RPC of `vitascope.<service>.<version>`: a gRPC multi-callable."""
        package = rpc.containing_service.file.package.split(".")
        channel = self._channels[package[1]]  # type: ignore[index]
        kinds = (
            "stream" if rpc.client_streaming else "unary",
            "stream" if rpc.server_streaming else "unary",
        )
        make = getattr(channel, "_".join(kinds))
        return make(
            f"/{rpc.containing_service.full_name}/{rpc.name}",
            request_serializer=GetMessageClass(rpc.input_type).SerializeToString,
            response_deserializer=GetMessageClass(rpc.output_type).FromString,
        )

    async def health(self) -> dict[str, str]:
        """Return each service's gRPC health status, `SERVING` when it is well."""
        names = list(self._channels)
        found = await asyncio.gather(*(self._health_of(name) for name in names))
        return dict(zip(names, found, strict=True))

    async def _health_of(self, name: Service) -> str:
        stub = health_pb2_grpc.HealthStub(self._channels[name])
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=_HEALTH_SECONDS)
        except grpc.aio.AioRpcError as error:
            return error.code().name
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))

    async def close(self) -> None:
        """Close every channel; calls that still run are cancelled."""
        await asyncio.gather(*(channel.close() for channel in self._channels.values()))
