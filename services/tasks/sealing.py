"""Credentials in the ledger: encrypted in its rows, opened for the worker that needs them."""

from dataclasses import replace

from services.chassis.vault import Unreadable, Vault
from services.tasks.model import Item

# No protobuf message begins with a zero byte.
_MARK = b"\0sealed\1"

__all__ = ["Sealer", "Unreadable", "is_sealed"]


class Sealer:
    """Seals what may not be read from the database by whoever gets hold of it."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def sealed(self, item: Item) -> Item:
        """Return the item with what it is to do, and where to, encrypted."""
        return replace(
            item,
            spec=self.seal(item.spec, f"{item.item_id}/spec"),
            destination=self.seal(item.destination, f"{item.item_id}/destination"),
        )

    def opened(self, item: Item) -> Item:
        """Return the item in clear text. Raises Unreadable."""
        if not is_sealed(item):
            return item
        return replace(
            item,
            spec=self.open(item.spec, f"{item.item_id}/spec"),
            destination=self.open(item.destination, f"{item.item_id}/destination"),
        )

    def seal(self, data: bytes, owner: str) -> bytes:
        """Return bytes encrypted; only the same owner opens them."""
        return _MARK + self._vault.seal_bytes(data, owner)

    def open(self, data: bytes, owner: str) -> bytes:
        """Return bytes in clear text, also those that were never sealed. Raises Unreadable."""
        if not data.startswith(_MARK):
            return data
        return self._vault.open_bytes(data.removeprefix(_MARK), owner)


def is_sealed(item: Item) -> bool:
    """Return whether what the item is to do is encrypted."""
    return item.spec.startswith(_MARK)
