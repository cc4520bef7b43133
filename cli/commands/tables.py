"""What the ledger says, as JSON for programs and as tables for people."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from vitascope.work.v1 import admin_pb2, work_pb2

if TYPE_CHECKING:
    from services.chassis.deadletters import DeadLetter

_WHOLE = ("worker", "topic", "place")
_ACCOUNT_LETTERS = 8
_COLOURS = {
    "success": "green",
    "delivered": "green",
    "error": "red",
    "given_up": "red",
    "executing": "cyan",
    "cancelled": "yellow",
}


def state_of(number: int) -> str:
    """Return a state's name as people write it."""
    return work_pb2.State.Name(work_pb2.State.ValueType(number)).removeprefix("STATE_").lower()


def told(message: Message) -> dict[str, Any]:
    """Return a message's fields by name, states and lanes as people write them."""
    fields = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    # Protobuf's JSON writes 64-bit integers as text.
    return {
        name: int(value) if name == "checkpoint_bytes" else _plain(value)
        for name, value in fields.items()
    }


def items_list(items: Sequence[work_pb2.Item], now: datetime) -> Text:
    """Return items, one a line, and below it why it failed.

    Of accounts as much as tells them apart; `now` is in UTC.
    """
    lines = Text(f"{'item':26}  {'state':13}  {'kind':13}  {'account':8}  try   age", "bold")
    for item in items:
        state = state_of(item.state)
        progress = f" {item.percent:.0f}%" if state == "executing" else ""
        age = _age(now.replace(tzinfo=None) - item.queued_at.ToDatetime())
        lines.append(f"\n{item.item_id:26}  ", "default")
        lines.append(f"{state + progress:13}", _COLOURS.get(state, "default"))
        account = item.account_id[:_ACCOUNT_LETTERS]
        lines.append(f"  {item.kind:13}  {account:8}  {item.attempt:3}  {age:>4}", "default")
        if item.error_message:
            lines.append(f"\n    {item.error_message}", "dim")
    return lines


def _age(past: timedelta) -> str:
    for unit, seconds in (("d", 86400), ("h", 3600), ("m", 60)):
        if past.total_seconds() >= seconds:
            return f"{past.total_seconds() // seconds:.0f} {unit}"
    return f"{max(past.total_seconds(), 0):.0f} s"


def callback_told(callback: admin_pb2.Callback) -> dict[str, Any]:
    """Return a callback's fields by name, its state as people write it."""
    name = admin_pb2.CallbackState.Name(callback.state).removeprefix("CALLBACK_STATE_")
    return told(callback) | {"state": name.lower()}


def callbacks_list(callbacks: Iterable[admin_pb2.Callback]) -> Text:
    """Return callbacks, one a line, and below it whom it calls and why that failed."""
    lines = Text(f"{'callback':26}  {'task':26}  {'state':9}  tries  next or end (UTC)", "bold")
    for each in callbacks:
        moment = each.ended_at if each.HasField("ended_at") else each.due_at
        at = moment.ToDatetime().isoformat(" ", "seconds")
        state = callback_told(each)["state"]
        lines.append(f"\n{each.callback_id:26}  {each.key:26}  ", "default")
        lines.append(f"{state:9}", _COLOURS.get(state, "default"))
        lines.append(f"  {each.attempts:5}  {at}", "default")
        lines.append(f"\n    {each.url}  {each.last_failure}", "dim")
    return lines


def workers_table(workers: Iterable[admin_pb2.Worker]) -> Table:
    """Return workers, one a line."""
    table = _table("worker", "has", "slots", "drains", "kinds")
    for worker in workers:
        table.add_row(
            escape(worker.worker_id),
            "\n".join(worker.item_ids) or "nothing",
            str(worker.slots),
            "yes" if worker.draining else "no",
            f"{len(worker.kinds)}",
        )
    return table


def letters_table(letters: Iterable["DeadLetter"]) -> Table:
    """Return dead letters, one a line."""
    table = _table("topic", "place", "died at (UTC)", "group", "key", "type", "error", "sent again")
    for letter in letters:
        table.add_row(
            escape(letter.topic),
            letter.place,
            letter.died_at.replace(tzinfo=None).isoformat(" ", "seconds"),
            escape(letter.group),
            escape((letter.key or b"").decode(errors="replace")),
            escape(letter.type.rpartition(".")[2]),
            escape(letter.error),
            "yes" if letter.replayed else "no",
        )
    return table


def facts_table(facts: Mapping[str, Any]) -> Table:
    """Return the fields of one thing, one a line; empty ones are left out."""
    table = Table(show_header=False, box=None)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        if value not in ("", None):
            table.add_row(name.replace("_", " "), escape(_shown(value)))
    return table


def _shown(value: Any) -> str:
    """Lists and objects as JSON, as they came."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold")
    for name in columns:
        # Ids are there to be copied: whole, whatever the width.
        table.add_column(name, overflow="fold", no_wrap=name in _WHOLE)
    return table


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case str() if value.startswith(("STATE_", "LANE_")):
            return value.partition("_")[2].lower()
        case _:
            return value
