"""What keeps statements few and made once: making and preparing one costs more than running it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")

INSERTS: Mapping[str, Callable[[Table], postgresql.Insert | sqlite.Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
"""INSERTs that know `on_conflict_do_nothing` and `..._do_update`, by the dialect's name."""


def padded(values: Collection[T]) -> Sequence[T]:
    """Return the values, the last one repeated: few lengths make few statements to prepare."""
    listed = list(values)
    length = 1
    while length < len(listed):
        length *= 2
    return listed + listed[-1:] * (length - len(listed))
