"""What clients are called with: the very status that they would be answered."""

from services.chassis.writing import Writer, iso_time, to_json
from services.tasks.actions.tasks import Task
from services.tasks.api.statuses import status_of
from services.tasks.api.versions import BY_NUMBER
from services.tasks.model import Item, TaskRecord

_WRITER = Writer(iso_time)
_WRITES = {
    number: _WRITER.message(version.messages.TaskStatus.DESCRIPTOR)
    for number, version in BY_NUMBER.items()
}


def callback_body(public_url: str, record: TaskRecord, item: Item) -> bytes:
    """Return the status of a task as JSON, as the version that created it shows it."""
    version = BY_NUMBER[record.version]
    status = status_of(version, Task(record, item), public_url, details=False)
    return to_json(_WRITES[record.version](status))
