"""One item in one child: where its files lie, and what became of it."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from services.media.sandbox import outcome, wire
from services.media.sandbox.outcome import Failure, Outcome, Success
from services.media.sandbox.watch import Watch
from services.media.sandbox.wire import Order, Room

_LOG_TAIL_BYTES = 2000
_FEW_FILES = 4

log = structlog.stdlib.get_logger(__name__)


class Item:
    """An item on its way through a child. `links` is a folder for it that is not there yet."""

    def __init__(self, order: Order, links: Path) -> None:
        self.order = order
        # Whether it asks for a child that can reach its sources where they are.
        self.reaches_out = False
        # What was seen from outside and ended it.
        self.verdict: Failure | None = None
        self.watch: Watch | None = None
        self._links = self._sources = self._scratch = links

    @property
    def has_few_sources(self) -> bool:
        """Whether linking and unlinking its sources takes less than a change of threads."""
        return len(self.order.sources) <= _FEW_FILES

    @property
    def has_links(self) -> bool:
        """Whether the folder of links is there, because no child was given it."""
        return self._links.exists()

    def link_sources(self) -> None:
        """Link the sources into a folder of the item's own, where that can be.

        A link costs nothing, however large the source, and a folder of links
        can be moved within the reach of a child whose reach was settled long
        ago. It cannot be where a source is on another file system or, for
        other users of this machine, somebody else's.
        """
        self._links.mkdir(parents=True)
        try:
            for name, source in self.order.sources.items():
                os.link(source.path.resolve(), self._links / name)
        except OSError:
            shutil.rmtree(self._links)
            self.reaches_out = True

    def hand_over(self, room: Room) -> bytes:
        """Put everything into a child's room, and return what to tell the child."""
        self._scratch = room.item
        paths = {name: each.path.resolve() for name, each in self.order.sources.items()}
        if self.reaches_out:
            room = replace(room, beyond=tuple(paths.values()))
        elif paths:
            self._sources = room.sources / self._links.name
            self._links.rename(self._sources)
            paths = {name: self._sources / name for name in paths}
        return wire.job(self.order, paths, room)

    def watch_from(self, pid: int, cpu_seconds: float) -> None:
        """Begin to look at the child's process, which has used so much processor time."""
        self.watch = Watch(pid, self._scratch.parent, self.order.limits, cpu_seconds)

    def collect(self, answer: Mapping[str, Any], target: Path) -> Outcome:
        """The outcome that the child's answer tells; outputs lie in the new folder `target`."""
        try:
            return self._collect(answer, target)
        except (FileNotFoundError, NotADirectoryError):
            # An honest child leaves its folder where it is.
            return outcome.UNUSABLE

    def _collect(self, answer: Mapping[str, Any], target: Path) -> Outcome:
        ended = outcome.read(answer, self._scratch)
        if isinstance(ended, Success):
            ended = self._excess(ended) or ended
        if isinstance(ended, Failure):
            self.log_last_words()
            return ended
        if self.order.sources and not self.reaches_out:
            shutil.rmtree(self._sources)
        if isinstance(ended, Success) and ended.outputs:
            # Out of reach of whatever the child does next.
            target.parent.mkdir(parents=True, exist_ok=True)
            self._scratch.rename(target)
            self._scratch.mkdir()
            return outcome.moved(ended, self._scratch, target)
        if not self._is_empty():
            shutil.rmtree(self._scratch)
            self._scratch.mkdir()
        return ended

    def _excess(self, ended: Success) -> Failure | None:
        if self._is_empty():
            return None
        limits = self.order.limits
        if sum(each.path.stat().st_size for each in ended.outputs) > limits.output_bytes:
            return outcome.too_large(limits)
        return self.watch.last_look() if self.watch else None

    def _is_empty(self) -> bool:
        """Whether there is but a log without a word, as most items leave it."""
        with os.scandir(self._scratch) as entries:
            found = [(entry.name, entry.stat(follow_symlinks=False).st_size) for entry in entries]
        return found == [(wire.ERROR_LOG, 0)]

    def is_light(self, answer: Mapping[str, Any]) -> bool:
        """Whether there are hardly any files to see to."""
        return self.has_few_sources and len(answer.get("outputs") or ()) <= _FEW_FILES

    def drop_links(self) -> None:
        """Remove the folder of links, should no child have been given it."""
        shutil.rmtree(self._links, ignore_errors=True)

    def log_last_words(self) -> None:
        """Log the end of the child's standard error: crash reports and FFmpeg's complaints."""
        path = self._scratch / wire.ERROR_LOG
        if path.is_symlink() or not path.is_file():
            return
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - _LOG_TAIL_BYTES, 0))
            words = file.read().decode(errors="replace")
        if words:
            log.warning("a child failed", kind=self.order.kind, stderr=words)
