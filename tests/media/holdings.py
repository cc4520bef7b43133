"""Outputs of tasks for tests: made as workers make them, and a clock that can be moved."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from services.chassis import database
from services.media.actions import deletion, files, lifetimes, listing
from services.media.api import media, outputs, store
from services.media.store import accounting
from services.media.store.tables import outputs as rows
from tests.media.house import TEAM, House, secret
from vitascope.media.v1 import internal_pb2, outputs_pb2, outputs_pb2_grpc

WEEK = timedelta(days=7)
_LOOK_AT_THE_CLOCK = (deletion, files, lifetimes, listing, media, outputs, store)


@dataclass
class Clock:
    """What the service takes for the present moment."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return database.now() + self.ahead

    def move(self, by: timedelta) -> None:
        self.ahead += by

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the service look at this clock where the ends of outputs are."""
        for module in _LOOK_AT_THE_CLOCK:
            monkeypatch.setattr(module, "now", self.now)


@dataclass
class Holdings:
    """An account's outputs in a house, and the storage methods."""

    house: House
    account: str = TEAM

    async def make(
        self,
        item_id: str,
        *names: str,
        size: int = 10,
        attempt: int = 1,
        lifetime: timedelta | None = None,
        limit: int = 0,
    ) -> list[str]:
        """Commit outputs of an item as its worker does; return the paths that they are served at.

        Raises the service's VitascopeError.
        """
        place = internal_pb2.AccountDestination(account_id=self.account, stored_bytes=limit)
        if lifetime is not None:
            duration = Duration()
            duration.FromTimedelta(lifetime)
            place.lifetime.CopyFrom(duration)
        request = internal_pb2.CommitOutputsRequest(
            item_id=item_id, attempt=attempt, destination=internal_pb2.Destination(account=place)
        )
        for name in names:
            data = f"{item_id}{name}".encode().ljust(size, b".")[:size]
            key = f"work/{item_id}/{attempt}/{name}"
            stored = await self.house.backends.storage.put(key, _pieces(data))
            request.outputs.add(
                name=name,
                storage_key=key,
                size=stored.size,
                sha256=hashlib.sha256(data).hexdigest(),
                content_type="image/png",
                file_name=name,
            )
        committed = await self.house.call("CommitOutputs", request)
        return [output.path for output in committed.outputs]

    async def listed(self, path: str = "", *, recursive: bool = False) -> dict[str, Any]:
        """The whole list, as one object."""
        request = outputs_pb2.ListFilesRequest(path=path, recursive=recursive)
        whole = outputs_pb2.ListFilesResponse()
        async for part in self._stub().ListFiles(request, metadata=self.key()):
            whole.MergeFrom(part)
        return {
            "files": [(file.name, file.size) for file in whole.files],
            "directories": list(whole.directories),
            "usage": whole.usage,
        }

    async def names(self) -> list[str]:
        """The paths of all files."""
        return [name for name, _ in (await self.listed(recursive=True))["files"]]

    async def delete(self, **which: Any) -> tuple[list[str], int, int]:
        """Delete; return what was deleted, freed, and is used afterwards."""
        request = outputs_pb2.DeleteFilesRequest(**which)
        whole = outputs_pb2.DeleteFilesResponse()
        async for part in self._stub().DeleteFiles(request, metadata=self.key()):
            whole.MergeFrom(part)
        return list(whole.deleted), whole.freed, whole.usage

    async def expire(self, days: int) -> None:
        """Set the lifetime."""
        request = outputs_pb2.SetExpirationRequest(days=days)
        answer = await self._stub().SetExpiration(request, metadata=self.key())
        assert answer.days == days

    async def insert(self, count: int, size: int = 10) -> None:
        """Put rows of that many files into the database; nothing is stored."""
        async with self.house.backends.database.transaction() as tx:
            await self.insert_into(tx, count, size)

    async def insert_into(
        self, tx: database.Tx, count: int, size: int = 10, first: int = 0
    ) -> None:
        """The same in a transaction; their items are numbered from the first."""
        values: Sequence[dict[str, Any]] = [
            {
                "account_id": self.account,
                "item_id": f"KEY{number:08}",
                "file_name": "dragon-image.thumb-ABCDEF",
                "name": "output",
                "storage_key": f"work/KEY{number:08}/1/output",
                "content_type": "image/jpeg",
                "size": size,
                "sha256": "0" * 64,
                "stored_at": database.now(),
            }
            for number in range(first, first + count)
        ]
        for start in range(0, count, 1000):
            await tx.execute(rows.insert(), values[start : start + 1000])
        await accounting.count(tx, self.account, outputs=count * size)

    def _stub(self) -> Any:
        return outputs_pb2_grpc.OutputsServiceStub(self.house.channel)

    def key(self) -> tuple[tuple[str, str], ...]:
        """The account's secret key, as call metadata."""
        return (("authorization", f"Secret {secret(self.account)}"),)


async def _pieces(data: bytes) -> Any:
    yield data
