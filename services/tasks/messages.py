"""Records as protobuf messages: items for other services, events for the topics."""

from datetime import datetime

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.tasks.model import TASKS, Item, State
from vitascope.tasks.v2 import events_pb2 as task_events
from vitascope.work.v1 import events_pb2 as work_events
from vitascope.work.v1 import work_pb2

TASK_TOPIC = "vitascope.tasks.v1"
WORK_TOPIC = "vitascope.work.v1"

STATES = {
    State.QUEUED: work_pb2.STATE_QUEUED,
    State.EXECUTING: work_pb2.STATE_EXECUTING,
    State.SUCCESS: work_pb2.STATE_SUCCESS,
    State.ERROR: work_pb2.STATE_ERROR,
    State.CANCELLED: work_pb2.STATE_CANCELLED,
}


def timestamp(moment: datetime | None) -> Timestamp | None:
    """Return a moment as protobuf has it."""
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def item_message(item: Item) -> work_pb2.Item:
    """Return an item as other services see it."""
    return work_pb2.Item(
        item_id=item.item_id,
        owner=item.owner,
        account_id=item.account_id,
        request_id=item.request_id,
        kind=item.kind,
        state=STATES[item.shown_state],
        attempt=item.attempt,
        percent=item.percent,
        eta_seconds=item.eta_seconds,
        queued_at=timestamp(item.queued_at),
        started_at=timestamp(item.started_at),
        completed_at=timestamp(item.completed_at),
        result=item.result,
        error_message=item.error_message,
        requeued=item.requeued,
    )


def event(item: Item, *, moved: bool) -> tuple[str, Message]:
    """Return the topic and the event that tells where an item is.

    `moved` is false when the item only got further in the state that it was in.
    """
    if item.owner != TASKS:
        return WORK_TOPIC, work_events.WorkEvent(item=item_message(item))
    message = task_events.TaskEvent(
        key=item.item_id, account_id=item.account_id, task_name=item.kind
    )
    if not moved:
        message.progressed.percent = item.percent
        if item.eta_seconds is not None:
            message.progressed.eta_seconds = item.eta_seconds
    elif item.state is State.QUEUED:
        message.queued.SetInParent()
    elif item.shown_state is State.EXECUTING:
        message.started.attempt = item.attempt
    else:
        message.finished.CopyFrom(_finished(item))
    return TASK_TOPIC, message


def _finished(item: Item) -> task_events.TaskFinished:
    if item.state is State.SUCCESS:
        return task_events.TaskFinished(status=State.SUCCESS)
    return task_events.TaskFinished(status=State.ERROR, error_message=why_not(item))


def why_not(item: Item) -> str:
    """Return the sentence about an item that did not succeed."""
    return item.error_message or "The task was cancelled."
