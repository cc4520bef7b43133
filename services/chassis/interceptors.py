"""What happens around every RPC, whatever its kind, in one fixed order.

    trace      takes the request id and the trace over from the caller, or begins them
    log        writes one line an RPC: method, code, duration, caller
    metrics    counts and times it by method and code
    errors     turns named errors into gRPC status; anything else is logged and hidden
    auth       finds out who calls and whether they may
    rate       refuses callers whose account made too many requests in the last minute
    validate   checks requests against the rules of the contract

Each stage encloses the ones below it: refusals are counted and logged, and a failure of any
stage under `errors` reaches the caller in the documented form.
"""

from __future__ import annotations

import asyncio
import inspect
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import grpc
import structlog

from services.chassis import telemetry
from services.chassis.auth import ANONYMOUS, Authenticator, Identity, set_identity
from services.chassis.contract import Method, violations_of
from services.chassis.errors import (
    DETAILS_KEY,
    NEUTRAL,
    Internal,
    Invalid,
    Unavailable,
    VitascopeError,
    to_status,
)
from services.chassis.framing import unless_framed
from services.chassis.headed import Headed
from services.chassis.limits import RequestRates

if TYPE_CHECKING:
    Handler = grpc.RpcMethodHandler[Any, Any]  # generic in its stubs only
    Context = grpc.aio.ServicerContext[Any, Any]

log = structlog.stdlib.get_logger(__name__)

MAX_REQUEST_ID_LENGTH = 128
REQUEST_ID_KEY = "x-request-id"

_HANDLERS: dict[tuple[bool, bool], Callable[..., Handler]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


@dataclass
class Call:
    """One RPC on its way through the stages."""

    method: Method
    context: Context
    metadata: dict[str, str]
    caller: Identity = ANONYMOUS
    code: grpc.StatusCode = grpc.StatusCode.OK
    headers: tuple[tuple[str, str], ...] = ()
    started: float = field(default_factory=time.perf_counter)

    def seconds(self) -> float:
        """Return how long the call runs."""
        return time.perf_counter() - self.started


class Interceptors(grpc.aio.ServerInterceptor):
    """The stages around the methods of one server; each method is wrapped once."""

    def __init__(self, methods: dict[str, Method], authenticator: Authenticator) -> None:
        self._methods = methods
        self._authenticator = authenticator
        self._rates = RequestRates()
        self._wrapped: dict[str, Handler] = {}
        self._lines: dict[asyncio.Task[Any], Call] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Return the wrapped handler; gRPC itself refuses unknown methods."""
        name = handler_call_details.method
        wrapped = self._wrapped.get(name)
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None
            wrapped = self._wrap(self._methods.get(name, Method(name)), handler)
            self._wrapped[name] = wrapped
        return wrapped

    async def end_lines(self) -> None:
        """End the calls that would never end by themselves, with UNAVAILABLE."""
        for task, call in list(self._lines.items()):
            # It raises AbortError, or something else for a call that is just ending by itself.
            with suppress(grpc.aio.BaseError):
                await _refuse(call, Unavailable("The service is stopping.", retry_after=1))
            task.cancel()

    def _wrap(self, method: Method, handler: Handler) -> Handler:
        behaviour: Any = (
            handler.unary_unary
            or handler.unary_stream
            or handler.stream_unary
            or handler.stream_stream
        )
        # Bidirectional calls and health watches last as long as both sides do.
        is_line = handler.response_streaming and (handler.request_streaming or not method.scope)

        async def answer(request: Any, context: Context) -> Any:
            async with self._around(method, is_line, context) as call:
                if not call.headers:
                    return await behaviour(_checked(method, handler, request), context)
                headed = Headed(context, call.headers)
                response = await behaviour(_checked(method, handler, request), headed)
                await headed.send_headers()
                return response

        async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
            async with self._around(method, is_line, context) as call:
                headed = Headed(context, call.headers)
                responses = behaviour(_checked(method, handler, request), headed)
                async with aclosing(responses):
                    async for response in responses:
                        await headed.send_headers()
                        yield response

        rebuild = _HANDLERS[handler.request_streaming, handler.response_streaming]
        return rebuild(
            stream if inspect.isasyncgenfunction(behaviour) else answer,
            handler.request_deserializer,
            unless_framed(handler.response_serializer),
        )

    @asynccontextmanager
    async def _around(self, method: Method, is_line: bool, context: Context) -> AsyncIterator[Call]:
        metadata = {
            key: value
            for key, value in context.invocation_metadata() or ()
            if isinstance(value, str)
        }
        call = Call(method, context, metadata)
        task = asyncio.current_task()
        if is_line and task:
            # Metadata that waits for the first answer would block the status of `end_lines`.
            await context.send_initial_metadata(())
            self._lines[task] = call
            task.add_done_callback(self._lines.pop)
        with trace(call), log_call(call), measure(call):
            async with self._errors(call):
                await self._auth(call)
                self._rate(call)
                yield call

    @asynccontextmanager
    async def _errors(self, call: Call) -> AsyncIterator[None]:
        try:
            yield
        except VitascopeError as error:
            await _refuse(call, error)
        except grpc.aio.AbortError:
            call.code = call.context.code()
            raise
        except (asyncio.CancelledError, GeneratorExit):
            call.code = grpc.StatusCode.CANCELLED
            raise
        except Exception:
            log.exception("rpc failed", method=call.method.name)
            hidden = Internal(f"{NEUTRAL} Request id: {telemetry.request_id()}.")
            await _refuse(call, hidden)

    async def _auth(self, call: Call) -> None:
        if call.method.scope is not None:
            call.caller = await self._authenticator.authenticate(call.metadata, call.method.scope)
        set_identity(call.caller)

    def _rate(self, call: Call) -> None:
        account, limit = call.caller.team_id, call.caller.limits.requests_per_minute
        if account and limit:
            call.headers = self._rates.take(account, limit).metadata()


@contextmanager
def trace(call: Call) -> Iterator[None]:
    """Take over the caller's request id and trace, and send the request id back."""
    given = call.metadata.get(REQUEST_ID_KEY, "")
    usable = 0 < len(given) <= MAX_REQUEST_ID_LENGTH and given.isprintable()
    telemetry.set_request_id(given if usable else uuid.uuid4().hex)
    call.context.set_trailing_metadata(((REQUEST_ID_KEY, telemetry.request_id()),))
    with telemetry.span(call.method.name, call.metadata.get("traceparent", "")):
        yield


@contextmanager
def log_call(call: Call) -> Iterator[None]:
    """Write one line when the call ends; health checks only at level debug."""
    try:
        yield
    finally:
        write = log.info if call.method.scope else log.debug
        write(
            "rpc",
            method=call.method.name,
            code=call.code.name,
            milliseconds=round(call.seconds() * 1000, 1),
            caller=call.caller.kind,
        )


@contextmanager
def measure(call: Call) -> Iterator[None]:
    """Count and time the call."""
    try:
        yield
    finally:
        telemetry.RPC_SECONDS.labels(call.method.name, call.code.name).observe(call.seconds())


def _checked(method: Method, handler: Handler, request: Any) -> Any:
    if not method.has_rules:
        return request
    if handler.request_streaming:
        return _checked_stream(request)
    _check(request)
    return request


async def _checked_stream(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        _check(request)
        yield request


def _check(request: Any) -> None:
    if violations := violations_of(request):
        text = "; ".join(f"{each.field} {each.description}".strip() for each in violations)
        raise Invalid(f"The request is not valid: {text}.", violations=violations)


async def _refuse(call: Call, error: VitascopeError) -> NoReturn:
    """End the call with the error. Raises gRPC's AbortError."""
    call.code, message, details = to_status(error)
    await call.context.abort(
        call.code,
        message,
        ((DETAILS_KEY, details), (REQUEST_ID_KEY, telemetry.request_id())),
    )
