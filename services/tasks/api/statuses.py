"""Tasks become statuses as a version of the Tasks API documents them."""

from typing import Any

from google.protobuf import json_format
from google.protobuf.struct_pb2 import NULL_VALUE, Struct, Value

from services.chassis.errors import NotFound, Violation
from services.tasks.actions.tasks import Task
from services.tasks.api.versions import BY_NUMBER, Version
from services.tasks.messages import timestamp, why_not
from services.tasks.model import Item, State
from services.tasks.results import read_result

UNKNOWN_KEY = "there is no task with this ID"
EXPIRED_KEY = "the task with this ID has expired"


def status_of(version: Version, task: Task, public_url: str, *, details: bool) -> Any:
    """Return the `TaskStatus` of a task."""
    status = status_of_item(version, task.item, public_url)
    if problems := task.record.problems:
        getattr(status, version.error_field).CopyFrom(_value({"parameters": problems}))
    if details:
        _add_details(status, task)
    return status


def status_of_item(version: Version, item: Item, public_url: str) -> Any:
    """Return the `TaskStatus` of a task that was not refused, from its item alone."""
    messages = version.messages
    status = messages.TaskStatus(
        status=State.ERROR if item.state is State.CANCELLED else item.shown_state,
        key=item.item_id,
        progress=_progress(item),
        events=messages.TaskEvents(
            queued=timestamp(item.queued_at),
            started=timestamp(item.started_at),
            completed=timestamp(item.completed_at),
        ),
    )
    if item.state is State.SUCCESS:
        kind = version.shown_kinds[item.kind]
        status.result.CopyFrom(_value(read_result(kind, item.result, public_url)))
    elif item.ended:
        getattr(status, version.error_field).string_value = why_not(item)
    elif item.shown_state is State.EXECUTING and item.result:
        status.result.CopyFrom(_value(_known_so_far(version, item, public_url)))
    return status


def expired(field: str) -> NotFound:
    """Return the error of a request, by a field of it, that asks only for tasks that expired."""
    return NotFound(EXPIRED_KEY, violations=[Violation(field, EXPIRED_KEY)])


def status_of_unknown(version: Version, key: str, reason: str = UNKNOWN_KEY) -> Any:
    """Return the `TaskStatus` of a key that no task has, or has any more."""
    status = version.messages.TaskStatus(
        status=State.ERROR,
        key=key,
        progress=Value(null_value=NULL_VALUE),
        events=version.messages.TaskEvents(),
    )
    getattr(status, version.error_field).string_value = reason
    return status


def _known_so_far(version: Version, item: Item, public_url: str) -> dict[str, object]:
    """Return a part of a result: of what is not in it nothing is said."""
    values = read_result(version.shown_kinds[item.kind], item.result, public_url)
    return {name: value for name, value in values.items() if value not in (None, [])}


def _progress(item: Item) -> Value:
    if item.shown_state is State.QUEUED or item.started_at is None:
        return Value(null_value=NULL_VALUE)
    return Value(number_value=round(item.percent, 2))


def _add_details(status: Any, task: Task) -> None:
    definition = task.record.definition
    status.task_name = definition["task_name"]
    status.parameters.CopyFrom(json_format.ParseDict(_parameters(task), Struct()))
    status.task_store.CopyFrom(json_format.ParseDict(definition["task_store"], Struct()))
    status.task_metas.CopyFrom(_value(definition["task_metas"]))
    status.attempts = task.item.attempt
    if task.item.worker_id:
        status.worker = task.item.worker_id


def _parameters(task: Task) -> dict[str, Any]:
    """What the client gave, and the defaults that went with it in the version that was asked."""
    given: dict[str, Any] = task.record.definition["parameters"]
    if task.record.problems:
        return given
    kind = BY_NUMBER[task.record.version].kinds[task.record.definition["task_name"]]
    defaults = {
        name: parameter.field.default_value
        for name, parameter in kind.form.parameters.items()
        if parameter.field.has_default_value and given.get(name) is None
    }
    return given | defaults


def _value(plain: Any) -> Value:
    return json_format.ParseDict(plain, Value())
