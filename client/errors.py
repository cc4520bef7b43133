"""What can go wrong, as exceptions."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from client.statuses import Failure, TaskStatus


@dataclass(frozen=True)
class Problem:
    """What is wrong with one part of a request: its name, and where in the request it is."""

    name: str
    location: str
    description: str


class TasksApiError(Exception):
    """The root of everything that the client raises."""


class UnavailableError(TasksApiError):
    """The server could not be reached, or was down, for longer than the client's patience."""


class RefusedError(TasksApiError):
    """The server understood, and said no. `status` is HTTP's, `problems` says what is wrong."""

    def __init__(self, status: int, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(each.description for each in problems))
        self.status = status
        self.problems = problems


class InvalidRequestError(RefusedError):
    """The request itself is wrong (400)."""


class UnauthorizedError(RefusedError):
    """The credentials are no good, or a limit of the account is reached (401)."""


class NotFoundError(RefusedError):
    """There is no such thing, or it has expired (404)."""


class TaskError(TasksApiError):
    """A task ended badly; `status` is its last. `parameters` names the bad ones, if it was them."""

    def __init__(self, status: TaskStatus) -> None:
        failure = status.failure or Failure(f"the task is {status.state}")
        super().__init__(failure.message)
        self.status = status
        self.parameters = failure.parameters


_CLASSES: Mapping[int, type[RefusedError]] = {
    HTTPStatus.BAD_REQUEST: InvalidRequestError,
    HTTPStatus.UNAUTHORIZED: UnauthorizedError,
    HTTPStatus.NOT_FOUND: NotFoundError,
}


def refusal(status: int, body: Any) -> RefusedError:
    """Return the error that an HTTP status and its JSON, None when it had none, stand for."""
    entries = body.get("errors") if isinstance(body, Mapping) else None
    problems = tuple(_problem(each) for each in entries or () if isinstance(each, Mapping))
    if not problems:
        problems = (Problem("", "", f"the server answered {status} {_phrase(status)}".rstrip()),)
    return _CLASSES.get(status, RefusedError)(status, problems)


def _problem(entry: Mapping[str, Any]) -> Problem:
    name, location, description = (
        str(entry.get(key, "")) for key in ("name", "location", "description")
    )
    return Problem(name, location, description)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
