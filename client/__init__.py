"""The Tasks API v2 from Python: create tasks, follow them, fetch what they made.

See docs/client.md. `TasksClient` is where to begin.
"""

from client.errors import (
    InvalidRequestError,
    NotFoundError,
    Problem,
    RefusedError,
    TaskError,
    TasksApiError,
    UnauthorizedError,
    UnavailableError,
)
from client.statuses import Events, Failure, TaskStatus
from client.storage import Deletion, Listing, StoredFile
from client.tasks import Task, TasksClient

__all__ = [
    "Deletion",
    "Events",
    "Failure",
    "InvalidRequestError",
    "Listing",
    "NotFoundError",
    "Problem",
    "RefusedError",
    "StoredFile",
    "Task",
    "TaskError",
    "TaskStatus",
    "TasksApiError",
    "TasksClient",
    "UnauthorizedError",
    "UnavailableError",
]
