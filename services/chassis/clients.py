"""Calls to the suite's other services: one channel each, this service's credential, deadlines."""

import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, TypeVar, cast

import grpc

from services.chassis import telemetry
from services.chassis.errors import from_rpc
from services.chassis.settings import Service, Settings
from services.chassis.tokens import SERVICE_TOKEN_SECONDS, sign_service_token

Stub = TypeVar("Stub")
Request = TypeVar("Request")
Response = TypeVar("Response")

MESSAGE_LIMIT = 16 * 2**20
METADATA_LIMIT = 256 * 2**10
DEADLINE_SECONDS = 10.0

CHANNEL_OPTIONS: tuple[tuple[str, int | str], ...] = (
    ("grpc.max_send_message_length", MESSAGE_LIMIT),
    ("grpc.max_receive_message_length", MESSAGE_LIMIT),
    ("grpc.max_metadata_size", METADATA_LIMIT),
    ("grpc.absolute_max_metadata_size", METADATA_LIMIT),
    ("grpc.enable_http_proxy", 0),
    # Of several replicas every one gets its share, and one that falls is passed over.
    ("grpc.lb_policy_name", "round_robin"),
    # A peer that restarts is found again within seconds, not within gRPC's two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 2000),
    # A peer whose machine vanished is noticed while a stream is open.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
)

# The first part of a proto package names the service, but for the ledger's own contract.
_SERVICES: dict[str, Service] = {
    "accounts": "accounts",
    "videos": "videos",
    "media": "media",
    "tasks": "tasks",
    "work": "tasks",
}


class Clients:
    """Lazily opened channels to the other services."""

    def __init__(self, settings: Settings, service_name: str) -> None:
        self._settings = settings
        caller = _Caller(service_name, settings.internal_key.get_secret_value())
        self._interceptors = (_UnaryCalls(caller), _StreamCalls(caller))
        self._channels: dict[Service, grpc.aio.Channel] = {}
        self._stubs: dict[Callable[[grpc.aio.Channel], object], object] = {}

    def stub(self, stub_class: Callable[[grpc.aio.Channel], Stub]) -> Stub:
        """Return the (cached) stub: `clients.stub(IdentityServiceStub)`.

        Its calls carry this service's credential, the request id and a deadline of 10 s (streams:
        none), and raise VitascopeError, never AioRpcError. Calls are unary or bidirectional: no
        internal RPC streams in one direction.
        """
        if stub_class not in self._stubs:
            service = _SERVICES[stub_class.__module__.split(".")[1]]
            self._stubs[stub_class] = stub_class(self._channel(service))
        return cast(Stub, self._stubs[stub_class])

    async def close(self) -> None:
        """Close every channel."""
        self._stubs.clear()
        while self._channels:
            await self._channels.popitem()[1].close()

    def _channel(self, service: Service) -> grpc.aio.Channel:
        if service not in self._channels:
            self._channels[service] = grpc.aio.insecure_channel(
                self._settings.target_of(service), CHANNEL_OPTIONS, interceptors=self._interceptors
            )
        return self._channels[service]


async def send_serialized(call: Any, message: bytes) -> None:
    """Send one message on a client-streaming call. Raises `grpc.aio.InternalError` after its end.

    grpc.aio's own `write` makes INTERNAL of whatever status the service ends the call with in the
    middle of it (grpc issue 36066); this is all that it does otherwise.
    """
    await call._cython_call.send_serialized_message(message)


class _Caller:
    """Adds to a call what every call of this service carries."""

    def __init__(self, service: str, internal_key: str) -> None:
        self._service = service
        self._internal_key = internal_key
        self._token = ""
        self._token_until = 0.0

    def prepare(
        self, details: grpc.aio.ClientCallDetails, timeout: float | None
    ) -> grpc.aio.ClientCallDetails:
        metadata = grpc.aio.Metadata(*(details.metadata or ()))
        metadata.add("authorization", f"Service {self._current_token()}")
        for key, value in (
            ("x-request-id", telemetry.request_id()),
            ("traceparent", telemetry.traceparent()),
        ):
            if value:
                metadata.add(key, value)
        return grpc.aio.ClientCallDetails(
            details.method,
            timeout if details.timeout is None else details.timeout,
            metadata,
            details.credentials,
            details.wait_for_ready,
        )

    def _current_token(self) -> str:
        now = time.time()
        if now >= self._token_until:
            self._token = sign_service_token(self._service, self._internal_key, now)
            self._token_until = now + SERVICE_TOKEN_SECONDS / 2
        return self._token


class _UnaryCalls(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, caller: _Caller) -> None:
        self._caller = caller

    async def intercept_unary_unary(
        self,
        continuation: Callable[
            [grpc.aio.ClientCallDetails, Request],
            Awaitable[grpc.aio.UnaryUnaryCall[Request, Response]],
        ],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Request,
    ) -> Response:
        details = self._caller.prepare(client_call_details, DEADLINE_SECONDS)
        try:
            return await (await continuation(details, request))
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error) from error


class _StreamCalls(grpc.aio.StreamStreamClientInterceptor):
    def __init__(self, caller: _Caller) -> None:
        self._caller = caller

    async def intercept_stream_stream(
        self,
        continuation: Callable[
            [grpc.aio.ClientCallDetails, AsyncIterable[Request] | Iterable[Request]],
            Awaitable[grpc.aio.StreamStreamCall[Request, Response]],
        ],
        client_call_details: grpc.aio.ClientCallDetails,
        request_iterator: AsyncIterable[Request] | Iterable[Request],
    ) -> AsyncIterator[Response]:
        details = self._caller.prepare(client_call_details, None)
        return _translated(await continuation(details, request_iterator))


async def _translated(
    call: grpc.aio.StreamStreamCall[Request, Response],
) -> AsyncIterator[Response]:
    try:
        async for response in call:
            yield response
    except grpc.aio.AioRpcError as error:
        raise from_rpc(error) from error
