"""What goes wrong on the way, with the HTTP status that says so."""

import math
from collections.abc import Mapping
from http import HTTPStatus

import grpc

from gateway.httpmeta import answer_head
from services.chassis.errors import Violation, VitascopeError, from_rpc

STATUSES: Mapping[grpc.StatusCode, int] = {
    grpc.StatusCode.INVALID_ARGUMENT: HTTPStatus.BAD_REQUEST,
    grpc.StatusCode.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    grpc.StatusCode.PERMISSION_DENIED: HTTPStatus.FORBIDDEN,
    grpc.StatusCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS: HTTPStatus.CONFLICT,
    grpc.StatusCode.ABORTED: HTTPStatus.CONFLICT,
    grpc.StatusCode.FAILED_PRECONDITION: HTTPStatus.CONFLICT,
    grpc.StatusCode.OUT_OF_RANGE: HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED: HTTPStatus.TOO_MANY_REQUESTS,
    grpc.StatusCode.UNIMPLEMENTED: HTTPStatus.NOT_IMPLEMENTED,
    grpc.StatusCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    # Nobody here cancels a call and waits for its answer: the service is stopping.
    grpc.StatusCode.CANCELLED: HTTPStatus.SERVICE_UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: HTTPStatus.GATEWAY_TIMEOUT,
}
DEFAULT_RETRY_AFTER = 1.0
TOO_SLOW = "The answer took too long"
_OF_THE_BODY = ("accept-ranges", "cache-control", "content-", "etag", "expires", "last-modified")


class Refusal(Exception):
    """A request that gets no regular answer.

    `reason` is the exception name that the Video API documents, `absent` the names of those
    violated top-level fields that the request did not set, `headers` go out with the answer.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        violations: tuple[Violation, ...] = (),
        absent: frozenset[str] = frozenset(),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = int(status)
        self.reason = reason
        self.message = message
        self.violations = violations
        self.absent = absent
        self.headers = dict(headers or {})


def bad_request(message: str, violation: Violation | None = None) -> Refusal:
    """Return a 400 with at most one violation."""
    violations = () if violation is None else (violation,)
    return Refusal(HTTPStatus.BAD_REQUEST, "BadRequestException", message, violations=violations)


def too_large(limit: int) -> Refusal:
    """Return a 413 that names the limit in bytes."""
    message = f"The request is larger than the {limit} bytes that are taken"
    return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "PayloadTooLargeException", message)


def broken() -> Refusal:
    """Return a 500 that says nothing about the inside."""
    message = "The request could not be answered because of an internal error"
    return Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalException", message)


def refusal_of(error: grpc.aio.AioRpcError, statuses: Mapping[grpc.StatusCode, int]) -> Refusal:
    """Return what a failed RPC means for the HTTP client.

    `statuses` are a surface's own ones; the error's own metadata go before them. Headers that the
    service had announced stay, but for those that describe what would have been the body.
    """
    refusal = refusal_by(from_rpc(error), statuses, error.code())
    _, announced = answer_head(error.initial_metadata())
    kept = {name: text for name, text in announced.items() if not name.startswith(_OF_THE_BODY)}
    refusal.headers = {**kept, **refusal.headers}
    return refusal


def refusal_by(
    error: VitascopeError,
    statuses: Mapping[grpc.StatusCode, int],
    code: grpc.StatusCode | None = None,
) -> Refusal:
    """Return the same for an error without its call; `code` is the error's own by default."""
    code = code or error.code
    status = {**STATUSES, **statuses}.get(code, HTTPStatus.INTERNAL_SERVER_ERROR)
    status, headers = answer_head(error.metadata.items(), int(status))
    if status == HTTPStatus.SERVICE_UNAVAILABLE or error.retry_after is not None:
        seconds = DEFAULT_RETRY_AFTER if error.retry_after is None else error.retry_after
        headers["retry-after"] = str(max(1, math.ceil(seconds)))
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Refusal(status, "TimeoutException", TOO_SLOW, headers=headers)
    return Refusal(
        status, error.reason, error.message, violations=error.violations, headers=headers
    )


def too_slow() -> Refusal:
    """Return a 504: the service did not answer in time."""
    return Refusal(HTTPStatus.GATEWAY_TIMEOUT, "TimeoutException", TOO_SLOW)


def cut_off() -> Refusal:
    """Return a 503: the gateway stops before the answer is whole."""
    message = "The server stops before the end of the answer: ask again"
    seconds = str(math.ceil(DEFAULT_RETRY_AFTER))
    status = HTTPStatus.SERVICE_UNAVAILABLE
    return Refusal(status, "ServiceUnavailableException", message, headers={"retry-after": seconds})
