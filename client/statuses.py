"""What the Tasks API says about a task, typed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

ENDED = ("success", "error")


@dataclass(frozen=True)
class Events:
    """When what happened to a task; None is not yet."""

    queued: datetime | None = None
    started: datetime | None = None
    completed: datetime | None = None


@dataclass(frozen=True)
class Failure:
    """Why a task ended badly: a sentence, and what is wrong with each bad parameter, by name."""

    message: str
    parameters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskStatus:
    """How far a task is.

    `state` is queued, executing, success or error; `progress` is from 0 to 100, and None before
    the start. `result` holds output values and URLs of files, of which an executing task may know
    some. `failure` is there in the state error only. `content` is all of it as it came, with the
    details that were asked for.
    """

    key: str
    state: str
    progress: Any = None
    events: Events = Events()
    result: Any = None
    failure: Failure | None = None
    content: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """Return the status that a JSON object is.

        Raises KeyError, TypeError or ValueError for one that is none.
        """
        state = str(content["status"])
        return cls(
            key=str(content["key"]),
            state=state,
            progress=content.get("progress"),
            events=_events(content.get("events") or {}),
            result=content.get("result"),
            failure=_failure(content.get("error")) if state == "error" else None,
            content=content,
        )

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to the task."""
        return self.state in ENDED


def _events(content: Mapping[str, str]) -> Events:
    known = Events.__dataclass_fields__
    return Events(
        **{name: datetime.fromisoformat(content[name]) for name in known & content.keys()}
    )


def _failure(error: Any) -> Failure:
    if not isinstance(error, Mapping):
        return Failure(str(error or "the task failed and did not say why"))
    problems = {
        str(name): tuple(map(str, what)) for name, what in error.get("parameters", {}).items()
    }
    sentences = [f"{name}: {', '.join(what)}" for name, what in problems.items()]
    return Failure("; ".join(sentences) or str(dict(error)), problems)
