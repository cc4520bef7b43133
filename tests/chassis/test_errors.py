"""Every error survives the wire: class, reason, violations, metadata and retry."""

import grpc
import pytest

from services.chassis import errors
from services.chassis.errors import DETAILS_KEY, NEUTRAL, Violation, VitascopeError

CODES = {
    errors.Invalid: grpc.StatusCode.INVALID_ARGUMENT,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.Forbidden: grpc.StatusCode.PERMISSION_DENIED,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.Conflict: grpc.StatusCode.ABORTED,
    errors.WrongState: grpc.StatusCode.FAILED_PRECONDITION,
    errors.OutOfRange: grpc.StatusCode.OUT_OF_RANGE,
    errors.Exhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
}


def over_the_wire(error: VitascopeError) -> VitascopeError:
    code, message, details = errors.to_status(error)
    return errors.from_rpc(rpc_error(code, message, details))


def rpc_error(
    code: grpc.StatusCode, message: str, details: bytes | None = None
) -> grpc.aio.AioRpcError:
    trailing = grpc.aio.Metadata(*([(DETAILS_KEY, details)] if details is not None else []))
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, message)


@pytest.mark.parametrize(("kind", "code"), CODES.items())
def test_an_error_is_the_same_on_the_other_side(
    kind: type[VitascopeError], code: grpc.StatusCode
) -> None:
    sent = kind(
        "What is wrong.",
        violations=[Violation("range.start", "must be a number", location="query")],
        metadata={"http-status": "418"},
        retry_after=1.5,
    )
    received = over_the_wire(sent)
    assert errors.to_status(sent)[0] == code
    assert type(received) is kind
    assert received.message == "What is wrong."
    assert received.reason == kind.reason
    assert received.violations == sent.violations
    assert received.metadata == {"http-status": "418"}
    assert received.retry_after == 1.5


def test_a_subclass_keeps_its_reason_and_comes_back_as_its_documented_class() -> None:
    class AlreadyUploaded(errors.WrongState):
        reason = "AlreadyUploadedException"

    received = over_the_wire(AlreadyUploaded("It is here."))
    assert type(received) is errors.WrongState
    assert received.reason == "AlreadyUploadedException"


def test_too_large_says_which_http_status_fits() -> None:
    received = over_the_wire(errors.TooLarge("At most 4 MiB."))
    assert isinstance(received, errors.Invalid)
    assert received.metadata == {"http-status": "413"}


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS]
)
def test_what_broke_inside_of_a_peer_stays_there(code: grpc.StatusCode) -> None:
    received = errors.from_rpc(rpc_error(code, "SELECT * FROM users failed"))
    assert type(received) is errors.Internal
    assert received.message == NEUTRAL


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED])
def test_a_peer_that_is_away_names_no_address(code: grpc.StatusCode) -> None:
    received = errors.from_rpc(rpc_error(code, "failed to connect to 10.0.0.1:7101"))
    assert type(received) is errors.Unavailable
    assert "10.0.0.1" not in received.message


def test_a_flood_of_violations_is_cut_to_what_a_header_carries() -> None:
    many = [Violation(f"tasks[{n}].url", "is missing " * 20) for n in range(5000)]
    code, message, details = errors.to_status(errors.Invalid("x" * 10_000, violations=many))
    assert len(message) == errors.MAX_MESSAGE_LENGTH
    received = errors.from_rpc(rpc_error(code, message, details))
    assert received.violations == tuple(many[: errors.MAX_VIOLATIONS])
    assert len(details) < 64 * 1024
