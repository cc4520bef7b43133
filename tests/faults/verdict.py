"""Whether a suite that was struck kept its promises."""

import io
import os
import re
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
from PIL import Image

from services.chassis.cloudevents import Event
from tests.faults.load import Client
from tests.kit.clips import decode
from tests.kit.listener import Listener
from tests.kit.suite import Whole, kill
from tests.kit.waiting import wait_for
from vitascope.tasks.v2.events_pb2 import TaskEvent
from vitascope.videos.v1.events_pb2 import VideoEvent

PATIENCE_SECONDS = 120.0
SERVICES = ("accounts", "videos", "media", "tasks")
TASKS = "vitascope.tasks.v1"
VIDEOS = "vitascope.videos.v1"
SANE = re.compile("Q(SP*Q)*(SP*)?F|F")
"""Queued; started, perhaps got further, perhaps queued again; finished. Or refused at once."""
DAYS_AGO = 3 * 86_400.0

Statuses = Mapping[str, Mapping[str, Any]]


def until_all_ended(suite: Whole) -> None:
    """Wait until nothing waits or runs, by the items and by what accounts count, nor any event."""

    def unfinished() -> list[Any]:
        suite.revive()
        busy = "SELECT account_id, queued, running FROM accounts WHERE queued <> 0 OR running <> 0"
        rows = suite.ask("tasks", "SELECT item_id, state FROM items WHERE completed_at IS NULL")
        return rows + suite.ask("tasks", busy)

    def drained() -> bool:
        waiting = "SELECT event_id FROM outbox LIMIT 1"
        return not any(suite.ask(service, waiting) for service in SERVICES)

    try:
        wait_for(lambda: not unfinished(), seconds=PATIENCE_SECONDS, what="every item to end")
    except AssertionError:
        print("unfinished:", unfinished())
        raise
    wait_for(drained, seconds=PATIENCE_SECONDS, what="every outbox to drain")


def check_tasks(client: Client, suite: Whole) -> Statuses:
    """Every accepted task ended once, as it had to; the ledger and the API agree about it."""
    query = "SELECT item_id, state, error_message FROM items WHERE owner = 'tasks'"
    rows = {key: (state, error) for key, state, error in suite.ask("tasks", query)}
    promises = client.promises
    assert rows.keys() == promises.tasks.keys(), "tasks that nobody was promised, or lost ones"
    statuses = client.statuses()
    for key, wish in promises.tasks.items():
        state, error = rows[key]
        told = statuses[key]
        expected = "success" if wish.good else "error"
        if key in promises.cancelled:
            expected = "cancelled"
        assert state == expected, f"{wish.definition}: {state} {error!r}"
        assert told["status"] == ("error" if state == "cancelled" else state), told
        assert told["events"]["completed"], told
        assert (told.get("result") is not None) == (state == "success"), told
    return statuses


def check_events(listener: Listener, statuses: Statuses, forgotten: datetime | None) -> None:
    """Each task's events came once, in a sane order; what the broker forgot may be missing."""

    def heard() -> bool:
        events = listener.events(TASKS)
        return all(
            len(events.get(key, ())) > 0 and _word(events[key]).endswith("F")
            for key, told in statuses.items()
            if forgotten is None or datetime.fromisoformat(told["events"]["completed"]) > forgotten
        )

    wait_for(heard, seconds=PATIENCE_SECONDS, what="every task's last event")
    events = listener.events(TASKS)
    assert events.keys() <= statuses.keys()
    complete = forgotten is None
    for key, told in statuses.items():
        word = _word(events.get(key, []))
        attempts = _attempts(events.get(key, []))
        if complete:
            assert SANE.fullmatch(word), f"{key}: {word}"
            assert attempts == list(range(1, told["attempts"] + 1)), f"{key}: {attempts}"
        assert word.count("F") <= 1, f"{key}: {word}"
        assert "F" not in word[:-1], f"{key}: {word}"
        assert attempts == sorted(set(attempts)), f"{key}: {attempts}"


def check_outputs(client: Client, suite: Whole, statuses: Statuses) -> None:
    """Successful thumbnails have their file, nothing else has one, storage keeps nothing else."""
    made = {
        key: told["result"]["output"]
        for key, told in statuses.items()
        if told["status"] == "success" and told["task_name"] == "image.thumb"
    }
    rows = suite.ask("media", "SELECT item_id, storage_key, size FROM outputs")
    assert {item for item, _, _ in rows} == made.keys()
    assert len(rows) == len(made)
    storage = suite.data / "storage"
    for _, key, size in rows:
        assert (storage / key).stat().st_size == size, key
    for url in list(made.values())[:20]:
        with Image.open(io.BytesIO(client.get(url).content)) as thumbnail:
            assert thumbnail.width == 48
    _sweep(suite, storage)


def _sweep(suite: Whole, storage: Path) -> None:
    """See storage emptied of what died on its way, once that is old enough."""
    for path in _files(storage):
        os.utime(path, (time.time() - DAYS_AGO,) * 2)
    kill(suite.part("services.media"))  # it looks when it starts
    suite.revive()
    queries = ("SELECT storage_key FROM outputs", "SELECT storage_key FROM media")
    known = {storage / key for query in queries for (key,) in suite.ask("media", query)}
    wait_for(
        lambda: set(_files(storage)) == known,
        seconds=PATIENCE_SECONDS,
        what="storage to hold what rows know and nothing else",
    )


def check_films(client: Client, film: Path, folder: Path) -> None:
    """Every converted film can be seen."""
    before = decode(film)
    for video in client.promises.processed:
        path = folder / f"{video}.mp4"
        path.write_bytes(client.get(f"/media/v1/download/processed/{video}").content)
        after = decode(path)
        assert (after.width, after.frames) == (2 * before.width, before.frames)


def check_film_events(client: Client, listener: Listener, *, complete: bool) -> None:
    """The end of every ingestion and conversion was told, once; perhaps the broker forgot it."""
    ends = {video: "ingestion_finished" for video in client.promises.ingested}
    ends |= {video: "processing_finished" for video in client.promises.processed}

    def told() -> bool:
        events = listener.events(VIDEOS)
        return all(end in _happenings(events[video]) for video, end in ends.items())

    if complete:
        wait_for(told, seconds=PATIENCE_SECONDS, what="every film's last event")
    for video, end in ends.items():
        assert _happenings(listener.events(VIDEOS)[video]).count(end) <= 1, f"{end} of {video}"


def check_nothing_left(suite: Whole) -> None:
    """No process without a parent that looks after it; no file of an item that has ended.

    Stops the suite: after that there is no process and no temporary file at all.
    """
    scratch = suite.data / "scratch"
    wait_for(lambda: not _orphans(suite), seconds=PATIENCE_SECONDS, what="orphans to end")
    wait_for(
        lambda: not [path for folder in scratch.glob("*/items") for path in _files(folder)],
        seconds=PATIENCE_SECONDS,
        what="items' scratch folders to be empty",
    )
    assert suite.stop() == 0
    assert _files(scratch) == []


def _orphans(suite: Whole) -> list[psutil.Process]:
    return [
        process
        for process in suite.processes()
        if psutil.pid_exists(process.pid) and psutil.Process() not in process.parents()
    ]


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _word(events: Sequence[Event]) -> str:
    letters = {"queued": "Q", "started": "S", "progressed": "P", "finished": "F"}
    return "".join(letters[_happening(event)] for event in events)


def _attempts(events: Sequence[Event]) -> list[int]:
    started = [TaskEvent.FromString(event.message) for event in events]
    return [each.started.attempt for each in started if each.HasField("started")]


def _happening(event: Event) -> str:
    message = TaskEvent if event.topic == TASKS else VideoEvent
    return message.FromString(event.message).WhichOneof("happening") or ""


def _happenings(events: Sequence[Event]) -> list[str]:
    return [_happening(event) for event in events]
