"""New items."""

from collections.abc import Sequence

from sqlalchemy import tuple_

from services.chassis.database import Tx
from services.chassis.statements import INSERTS
from services.tasks.model import Item
from services.tasks.store.items import find_items
from services.tasks.store.saving import count_new
from services.tasks.store.tables import items

_NAME = ("owner", "request_id", "account_id")

_ADD = {
    dialect: new(items)
    .on_conflict_do_nothing(index_elements=_NAME)
    .returning(*(items.c[name] for name in _NAME))
    for dialect, new in INSERTS.items()
}

Name = tuple[str, str, str]
"""What its owner knows an item by: owner, request id, account."""


async def submit(tx: Tx, new: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    """Store the items whose (owner, account, request id) is not there yet.

    Returns all items as they are in the ledger, in the order of `new`, and those just stored.
    Somebody who submits the same at the same time waits until `tx` ends.
    """
    wanted: dict[Name, Item] = {}
    for item in new:
        wanted.setdefault(_name(item), item)
    fresh = [vars(item) for item in wanted.values()]
    stored = {tuple(row) for row in await tx.execute(_ADD[tx.dialect.name], fresh)}
    added = [item for name, item in wanted.items() if name in stored]
    await count_new(tx, added)
    if len(stored) < len(wanted):
        repeated = [name for name in wanted if name not in stored]
        named = tuple_(*(items.c[name] for name in _NAME)).in_(repeated)
        wanted |= {_name(item): item for item in await find_items(tx, named)}
    return [wanted[_name(item)] for item in new], added


def _name(item: Item) -> Name:
    return item.owner, item.request_id, item.account_id
