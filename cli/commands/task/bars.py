"""Live bars of tasks, where somebody looks."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from client import TaskStatus

_STYLES = {"success": "green", "error": "red", "executing": "cyan"}


class Bars(AbstractContextManager["Bars"]):
    """One bar a task, on standard error; none when that is no terminal. Use as a context."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self.shown = console.is_terminal
        self._progress = Progress(
            TextColumn("{task.description}"),
            TextColumn("{task.fields[state]:9}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not self.shown,
        )
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, status: TaskStatus, label: str) -> None:
        """Bring the bar of a task up to date; its first call adds it."""
        style = _STYLES.get(status.state, "default")
        percent = status.progress if isinstance(status.progress, int | float) else None
        self._update(
            status.key,
            label,
            f"[{style}]{status.state}[/]",
            completed=100 if status.state == "success" else percent or 0,
            # A bar without an end pulses: nobody knows how long it will wait.
            total=None if percent is None and not status.ended else 100,
        )

    def saving(self, name: str) -> Callable[[int, int | None], None]:
        """Return what a file's bar is told: how many bytes are there, and of how many."""
        return lambda received, total: self._update(
            f"file {name}", name, "saving", completed=received, total=total
        )

    def _update(
        self, key: str, label: str, state: str, *, completed: float, total: float | None
    ) -> None:
        if key not in self._bars:
            self._bars[key] = self._progress.add_task(label, state=state, total=total)
        self._progress.update(self._bars[key], state=state, completed=completed, total=total)


def line(status: TaskStatus) -> str:
    """Return a status as one line of text: the key, the state, and what goes with it."""
    said: Sequence[str] = (status.key, status.state)
    if status.failure:
        said = (*said, status.failure.message)
    elif status.state == "executing" and status.progress is not None:
        said = (*said, f"{status.progress:.0f}%")
    return "  ".join(said)
