"""Credentials in the ledger: encrypted in its rows, opened for the worker that needs them."""

from dataclasses import replace

from services.chassis.vault import Unreadable, Vault
from services.tasks.model import Item, TaskRecord

# No protobuf message begins with a zero byte.
_MARK = b"\0sealed\1"
# No address begins so.
_TEXT_MARK = "sealed:"

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

    def sealed_record(self, record: TaskRecord) -> TaskRecord:
        """Return the record with whom to call encrypted: addresses hold passwords and tokens."""
        return replace(
            record,
            url_callback=record.url_callback and self.seal_text(record.url_callback, record.key),
            url_errback=record.url_errback and self.seal_text(record.url_errback, record.key),
        )

    def seal_text(self, text: str, owner: str) -> str:
        """Return text encrypted; only the same owner opens it."""
        return _TEXT_MARK + self._vault.seal(text, owner)

    def open_text(self, text: str, owner: str) -> str:
        """Return text in clear, also such that was never sealed. Raises Unreadable."""
        if not text.startswith(_TEXT_MARK):
            return text
        return self._vault.open(text.removeprefix(_TEXT_MARK), owner)

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
