"""Task definitions become work for the ledger and a record of what the client asked."""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from google.protobuf import json_format
from google.protobuf.message import Message

from services.chassis.errors import Invalid, Violation
from services.tasks.api.versions import Version
from services.tasks.model import TASKS, Lane, Submission, TaskRecord, new_key
from services.tasks.specs import REQUIRED, Problems, read_spec
from vitascope.media.v1 import internal_pb2

STORES = ("persistent", "volatile")
MASK = "***"
CREDENTIALS = frozenset({"secret", "api_key", "password", "token", "access_token"})


def read_definition(
    version: Version, definition: Any, account_id: str
) -> tuple[Submission, TaskRecord]:
    """Return the work that a `TaskDefinition` of this version asks for, under a fresh key.

    What is wrong with it is in the record, and then the work is refused. Raises Invalid for
    numbers that JSON does not have.
    """
    parameters = _plain(definition.parameters)
    store = {"type": STORES[0]} | _plain(definition.task_store)
    kind = version.kinds.get(definition.task_name)
    if kind is None:
        missing = "unknown task" if definition.task_name else REQUIRED
        spec, problems = b"", {"task_name": [missing]}
    else:
        spec, problems = read_spec(kind, parameters)
    problems |= _store_problems(store) | _callback_problems(definition)
    key = new_key()
    account = internal_pb2.AccountDestination(account_id=account_id)
    submission = Submission(
        owner=TASKS,
        account_id=account_id,
        request_id=key,
        kind=kind.name if kind else "",
        spec=b"" if problems else spec,
        destination=internal_pb2.Destination(account=account).SerializeToString(),
        lane=Lane.LONG if kind and kind.long else Lane.SHORT,
        refusal="; ".join(f"{name}: {', '.join(what)}" for name, what in problems.items()),
        calls_back=bool(definition.url_callback or definition.url_errback),
    )
    record = TaskRecord(
        key=key,
        definition={
            "task_name": definition.task_name,
            "parameters": _masked(parameters),
            "task_store": _masked(store),
            "task_metas": _plain(definition.task_metas),
        },
        problems=problems or None,
        url_callback=_usable(definition.url_callback),
        url_errback=_usable(definition.url_errback),
        version=version.number,
    )
    return submission, record


def _store_problems(store: dict[str, Any]) -> Problems:
    if store["type"] in STORES:
        return {}
    return {"task_store": [f"type must be one of: {', '.join(STORES)}"]}


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


def _masked(value: Any) -> Any:
    """Return JSON without the credentials that it may hold: by name, and within URLs."""
    match value:
        case dict():
            return {
                name: MASK if name in CREDENTIALS else _masked(inner)
                for name, inner in value.items()
            }
        case list():
            return [_masked(inner) for inner in value]
        case str() if "://" in value and "@" in value:
            return _without_password(value)
        case _:
            return value


def _without_password(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return MASK
    _, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{MASK}@{host}")) if at else url


def _plain(message: Message) -> Any:
    """Return a Struct or Value as plain JSON."""
    try:
        return json_format.MessageToDict(message)
    except ValueError as error:
        description = "holds a number that JSON does not have"
        raise Invalid(
            f"A task {description}.", violations=[Violation("tasks", description)]
        ) from error
