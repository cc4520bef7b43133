"""Task definitions become work for the ledger and a record of what the client asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from google.protobuf import json_format
from google.protobuf.message import Message

from services.chassis.errors import Invalid, Violation
from services.tasks.api.destinations import destination_of, read_store
from services.tasks.api.masking import masked
from services.tasks.api.versions import Version
from services.tasks.kinds import Kind
from services.tasks.model import TASKS, Lane, Submission, TaskRecord, new_key
from services.tasks.specs import REQUIRED, Problems, read_spec

# What stands beside the parameters. When it is of another type, it comes among them.
_SURROUNDINGS = {
    "task_name": "must be a string",
    "task_store": "must be an object",
    "url_callback": "must be a string",
    "url_errback": "must be a string",
}


@dataclass(frozen=True)
class _Work:
    """What a definition asks for, serialized, and what is wrong with each part of it.

    `shown` is the definition without credentials; with `confidential` it had some.
    """

    kind: Kind | None
    spec: bytes
    destination: bytes
    shown: Mapping[str, Any]
    confidential: bool
    problems: Problems


def read_definition(
    version: Version,
    definition: Any,
    account_id: str,
    *,
    texts: bool = False,
    stored_bytes: int = 0,
) -> tuple[Submission, TaskRecord]:
    """Return the work that a `TaskDefinition` of this version asks for, under a fresh key.

    With `texts` the parameters come from a query string. `stored_bytes` is how much the account
    may have stored, 0 for as much as it likes. What is wrong with the definition is in the record,
    and then the work is refused. Raises Invalid for numbers that JSON does not have.
    """
    work = _read(version, definition, account_id, texts, stored_bytes)
    key = new_key()
    submission = Submission(
        owner=TASKS,
        account_id=account_id,
        request_id=key,
        kind=work.kind.name if work.kind else "",
        spec=work.spec,
        destination=work.destination,
        lane=Lane.LONG if work.kind and work.kind.long else Lane.SHORT,
        refusal="; ".join(f"{name}: {', '.join(what)}" for name, what in work.problems.items()),
        calls_back=bool(definition.url_callback or definition.url_errback),
        confidential=work.confidential,
    )
    record = TaskRecord(
        key=key,
        definition=work.shown,
        problems=work.problems or None,
        url_callback=_usable(definition.url_callback),
        url_errback=_usable(definition.url_errback),
        version=version.number,
    )
    return submission, record


def _read(
    version: Version, definition: Any, account_id: str, texts: bool, stored_bytes: int
) -> _Work:
    parameters, asked_store = _plain(definition.parameters), _plain(definition.task_store)
    problems = _misplaced(parameters)
    kind = version.kinds.get(definition.task_name)
    spec, wrong = _read_task(kind, definition.task_name, parameters, texts)
    problems = wrong | problems | _callback_problems(definition)
    store, filled, said = read_store(version, asked_store, kind)
    destination = b""
    if said:
        problems.setdefault("task_store", said)
    elif store and filled and not problems:
        place = destination_of(store, filled, account_id, stored_bytes)
        destination = place.SerializeToString()
    shown_parameters = masked(parameters, kind.form if kind else None)
    shown_store = masked(asked_store, store.form if store else None)
    return _Work(
        kind=kind,
        spec=b"" if problems else spec,
        destination=destination,
        shown={
            "task_name": definition.task_name,
            "parameters": shown_parameters,
            "task_store": {"type": version.default_store} | shown_store,
            "task_metas": _plain(definition.task_metas),
        },
        # What is not to be shown is not to be kept readable either.
        confidential=(shown_parameters, shown_store) != (parameters, asked_store) and not problems,
        problems=problems,
    )


def _misplaced(parameters: dict[str, Any]) -> Problems:
    """Take what is no parameter out of the parameters; return what is wrong with it."""
    misplaced = {name: [what] for name, what in _SURROUNDINGS.items() if name in parameters}
    for name in misplaced:
        del parameters[name]
    return misplaced


def _read_task(
    kind: Kind | None, name: str, parameters: Mapping[str, Any], texts: bool
) -> tuple[bytes, Problems]:
    if kind is None:
        return b"", {"task_name": ["unknown task" if name else REQUIRED]}
    spec, problems = read_spec(kind, parameters, texts=texts)
    if kind.unavailable:
        problems["task_name"] = [f"{name} is not available yet"]
    return spec, problems


def _callback_problems(definition: Any) -> Problems:
    return {
        name: ["must be an http or https URL"]
        for name in ("url_callback", "url_errback")
        if getattr(definition, name) and not _is_web_address(getattr(definition, name))
    }


def _usable(url: str) -> str | None:
    """The address, if that is what it is: of one that is not, the status tells."""
    return url if _is_web_address(url) else None


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        return usable and url.isprintable() and " " not in url
    except ValueError:
        return False


def _plain(message: Message) -> Any:
    """Return a Struct or Value as plain JSON."""
    try:
        return json_format.MessageToDict(message)
    except ValueError as error:
        description = "holds a number that JSON does not have"
        raise Invalid(
            f"A task {description}.", violations=[Violation("tasks", description)]
        ) from error
