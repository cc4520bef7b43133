"""`create_file` and `file`: waits for one file of a task and says where it is."""

from functools import cache
from typing import Any
from urllib.parse import quote

from google.protobuf.descriptor import Descriptor

from services.chassis.errors import Unavailable
from services.tasks.actions.tasks import Task, Tasks
from services.tasks.api.intake import Intake
from services.tasks.api.statuses import expired, status_of, status_of_unknown
from services.tasks.api.versions import V1, Version
from services.tasks.kinds import Kind
from services.tasks.model import Item, State
from services.tasks.results import read_result
from vitascope.options.v1 import options_pb2

# Where a file is stays true for as long as the file does; a page that is shown again asks again.
REDIRECT_KEPT = "private, max-age=60"
NOT_KEPT = "no-store"
_IN_ADDRESSES = "%/:?#[]@!$&'()*+,;="


class Files:
    """Answers of one version that lead to the file of a task.

    Where a kind makes one file, every name is its name: pages like addresses that end in
    `cat.jpg`. Of several files the name is the name of the result's field.
    """

    def __init__(self, version: Version, tasks: Tasks, intake: Intake, public_url: str) -> None:
        self._version = version
        self._tasks = tasks
        self._intake = intake
        self._public_url = public_url

    async def create(
        self, definition: Any, request: Any, context: Any, *, texts: bool = False
    ) -> Any:
        """Queue a task and answer like `get`; nothing is queued for a file that it cannot have.

        With `texts` the parameters are texts, whatever their types.
        """
        kind = self._version.kinds.get(definition.task_name)
        if kind and _choose(kind, request.filename) is None:
            return await self._no_such_file(request.filename, files_of(kind), context)
        filename, name = request.filename, request.idempotency_key
        with self._tasks.following() as feed:
            [task] = await self._intake.create([definition], name, feed, texts=texts)
            task = await self._tasks.followed(
                task, feed, lambda item: self._is_settled(item, filename)
            )
        return await self._answer(task, filename, context, REDIRECT_KEPT if texts else NOT_KEPT)

    async def get(self, request: Any, context: Any) -> Any:
        """Redirect to a file once it is there.

        Answers 404 when there is no such file and 400 with the status of a task that failed.
        Raises NotFound for an expired task, and Unavailable when it takes too long.
        """
        key, filename = request.task, request.filename
        task = await self._tasks.until(key, lambda item: self._is_settled(item, filename))
        if task is None:
            if await self._tasks.expired([key]):
                raise expired("task")
            return await self._task(status_of_unknown(self._version, key), context)
        return await self._answer(task, filename, context, REDIRECT_KEPT)

    async def _answer(self, task: Task, filename: str, context: Any, kept: str) -> Any:
        kind = self._version.shown_kinds.get(task.item.kind)
        if kind is None:
            return await self._task(self._status(task), context)
        name = _choose(kind, filename)
        if name is None:
            return await self._no_such_file(filename, files_of(kind), context)
        there = self._addresses(kind, task.item)
        if name in there:
            location = quote(there[name], safe=_IN_ADDRESSES)
            await _say(context, 302, kept, location)
            return self._version.messages.FileResponse(task=self._status(task))
        if task.item.state is State.SUCCESS:
            return await self._no_such_file(filename, list(there), context)
        if task.item.ended:
            return await self._task(self._status(task), context)
        raise Unavailable(f"The task {task.record.key} is not ready yet: ask for its file again.")

    def _is_settled(self, item: Item, filename: str) -> bool:
        """Whether it is known where the file is, or that there is none."""
        kind = self._version.shown_kinds.get(item.kind)
        name = _choose(kind, filename) if kind else None
        return kind is None or name is None or name in self._addresses(kind, item)

    def _addresses(self, kind: Kind, item: Item) -> dict[str, str]:
        """Return where the files are that there are so far."""
        if not item.result:
            return {}
        values = read_result(kind, item.result, self._public_url)
        return {name: str(values[name]) for name in files_of(kind) if values.get(name)}

    async def _no_such_file(self, filename: str, names: list[str], context: Any) -> Any:
        await _say(context, 404, NOT_KEPT)
        choices = ", ".join(f"'{name}'" for name in names)
        hint = f"choose one of: {choices}" if names else "this task has no files"
        messages = self._version.messages
        problem = messages.NoSuchFile(status="error")
        field = "message" if self._version is V1 else "error"
        setattr(problem, field, f"'{filename}' is not a valid filename, {hint}")
        return messages.FileResponse(problem=problem)

    async def _task(self, status: Any, context: Any) -> Any:
        await _say(context, 400, NOT_KEPT)
        return self._version.messages.FileResponse(task=status)

    def _status(self, task: Task) -> Any:
        return status_of(self._version, task, self._public_url, details=False)


def files_of(kind: Kind) -> list[str]:
    """Return the names of the files that tasks of a kind can have."""
    return _files_of(kind.result)


@cache
def _files_of(result: Descriptor) -> list[str]:
    return [
        field.name
        for field in result.fields
        if field.GetOptions().Extensions[options_pb2.output_file]
    ]


def _choose(kind: Kind, filename: str) -> str | None:
    names = files_of(kind)
    if len(names) == 1:
        return names[0]
    return filename if filename in names else None


async def _say(context: Any, status: int, kept: str, location: str = "") -> None:
    head = [("http-status", str(status)), ("http-header-cache-control", kept)]
    if location:
        head.append(("http-header-location", location))
    await context.send_initial_metadata(head)
