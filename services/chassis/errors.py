"""Named errors without transport in them, and the one place that carries them over gRPC.

Domain code raises `VitascopeError` subclasses; a service subclasses them in its `model.py` with
the documented exception name as `reason`. `to_status` and `from_rpc` are each other's inverse.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

DOMAIN = "vitascope"
DETAILS_KEY = "grpc-status-details-bin"
NEUTRAL = "The service could not answer this request because of an internal error."

# Details travel in one HTTP/2 header: what is beyond these limits is cut, never refused.
MAX_MESSAGE_LENGTH = 2000
MAX_VIOLATIONS = 100


@dataclass(frozen=True)
class Violation:
    """What is wrong with one field. `field` is a path of JSON names, for example `range.start`."""

    field: str
    description: str
    location: str = "body"


class VitascopeError(Exception):
    """The root of every error that a caller may see.

    `reason` is the stable name that programs read, `message` the sentence that people read,
    `retry_after` the seconds after which another try can help.
    """

    code = grpc.StatusCode.INTERNAL
    reason = "InternalException"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        violations: Iterable[Violation] = (),
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or type(self).reason
        self.violations = tuple(violations)
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after


class Internal(VitascopeError):
    """Something broke that the caller cannot do anything about."""


class Invalid(VitascopeError):
    """The request itself is wrong; the same request will never work."""

    code = grpc.StatusCode.INVALID_ARGUMENT
    reason = "BadRequestException"


class TooLarge(Invalid):
    """The request or its file is larger than the service takes."""

    reason = "PayloadTooLargeException"

    def __init__(self, message: str) -> None:
        super().__init__(message, metadata={"http-status": "413"})


class Unauthenticated(VitascopeError):
    """The caller did not say who they are, or could not prove it."""

    code = grpc.StatusCode.UNAUTHENTICATED
    reason = "AuthException"


class Forbidden(VitascopeError):
    """The caller is known and may not do this."""

    code = grpc.StatusCode.PERMISSION_DENIED
    reason = "ForbiddenException"


class NotFound(VitascopeError):
    """There is no such thing, or none that the caller may know of."""

    code = grpc.StatusCode.NOT_FOUND
    reason = "NotFoundException"


class Conflict(VitascopeError):
    """It clashes with something that is already there."""

    code = grpc.StatusCode.ABORTED
    reason = "ConflictException"


class WrongState(VitascopeError):
    """The thing is there and not in a state for this."""

    code = grpc.StatusCode.FAILED_PRECONDITION
    reason = "WrongStateException"


class OutOfRange(VitascopeError):
    """The asked range lies outside of the content."""

    code = grpc.StatusCode.OUT_OF_RANGE
    reason = "RangeNotSatisfiableException"


class Exhausted(VitascopeError):
    """A limit of the account or the service is reached."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    reason = "TooManyRequestsException"


class Unavailable(VitascopeError):
    """A part that is needed for the answer is away for now; trying again can help."""

    code = grpc.StatusCode.UNAVAILABLE
    reason = "ServiceUnavailableException"


_CLASSES: Mapping[grpc.StatusCode, type[VitascopeError]] = {
    error.code: error
    for error in (
        Invalid,
        Unauthenticated,
        Forbidden,
        NotFound,
        Conflict,
        WrongState,
        OutOfRange,
        Exhausted,
        Unavailable,
    )
} | {grpc.StatusCode.DEADLINE_EXCEEDED: Unavailable, grpc.StatusCode.CANCELLED: Unavailable}


def to_status(error: VitascopeError) -> tuple[grpc.StatusCode, str, bytes]:
    """Return the gRPC code, the message and a serialized `google.rpc.Status` with its details."""
    message = error.message[:MAX_MESSAGE_LENGTH]
    status = status_pb2.Status(code=error.code.value[0], message=message)
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    status.details.add().Pack(info)
    if error.violations:
        status.details.add().Pack(_bad_request(error.violations[:MAX_VIOLATIONS]))
    if error.retry_after is not None:
        delay = Duration()
        delay.FromMilliseconds(round(error.retry_after * 1000))
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    return error.code, message, status.SerializeToString()


def from_rpc(error: grpc.aio.AioRpcError) -> VitascopeError:
    """Return the error that the other side raised.

    A peer that is away or too slow is `Unavailable`; one that broke is `Internal`, with a neutral
    message whatever the peer wrote.
    """
    kind = _CLASSES.get(error.code(), Internal)
    details = _details_of(error)
    message = error.details() or kind.__name__
    if kind is Internal:
        message = NEUTRAL
    elif kind is Unavailable and not details:
        message = "A service that is needed for the answer is not available."
    return kind(message, **details)


def _bad_request(violations: Iterable[Violation]) -> error_details_pb2.BadRequest:
    bad = error_details_pb2.BadRequest()
    for violation in violations:
        bad.field_violations.add(
            field=violation.field,
            description=violation.description[:MAX_MESSAGE_LENGTH],
            reason=f"IN_{violation.location.upper()}",
        )
    return bad


def _details_of(error: grpc.aio.AioRpcError) -> dict[str, Any]:
    """Return the keyword arguments of VitascopeError that the status details carry."""
    carried: dict[str, Any] = {}
    status = status_pb2.Status.FromString(
        dict(error.trailing_metadata() or ()).get(DETAILS_KEY, b"")
    )
    for detail in status.details:
        if detail.Unpack(info := error_details_pb2.ErrorInfo()):
            carried |= {"reason": info.reason, "metadata": dict(info.metadata)}
        elif detail.Unpack(bad := error_details_pb2.BadRequest()):
            carried["violations"] = [
                Violation(each.field, each.description, each.reason.removeprefix("IN_").lower())
                for each in bad.field_violations
            ]
        elif detail.Unpack(retry := error_details_pb2.RetryInfo()):
            carried["retry_after"] = retry.retry_delay.ToMilliseconds() / 1000
    return carried
