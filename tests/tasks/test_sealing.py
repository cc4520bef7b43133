"""Credentials of tasks: for the worker that needs them, and for nobody who reads the database."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from services.chassis.database import Database
from services.chassis.vault import Vault
from services.tasks.store.tables import metadata
from tests.kit.identities import service as by
from tests.tasks import service as suite
from tests.tasks.asking import KINDS, create, defined, plain, status_of
from tests.tasks.service import Service, Worker, becomes_true, serving
from vitascope.media.v1 import internal_pb2
from vitascope.tasks.v2 import specs_pb2
from vitascope.work.v1 import admin_pb2, work_pb2

PASSWORD, SIGNATURE, SESSION = "PASSWORDofann", "SIGNATUREofbob", "SESSIONofyoutube"
SECRETS = (PASSWORD, SIGNATURE, SESSION)
SOURCE = f"http://ann:{PASSWORD}@files.example/a.jpg"
TARGET = f"https://bucket.example/a.jpg?X-Amz-Signature={SIGNATURE}"


async def _stored(db: Database) -> str:
    """Return all rows of all tables as text."""
    rows = []
    async with db.reading() as tx:
        for table in metadata.sorted_tables:
            rows += [tuple(row) for row in await tx.execute(table.select())]
    return repr(rows)


def _secret_task() -> object:
    store = {"type": "s3_signed", "url": TARGET}
    return defined("v2", "image.thumb", url=SOURCE, task_store=store)


async def test_the_worker_gets_them_and_the_database_does_not(
    service: Service, db: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    (created,) = await create(service, "v2", _secret_task())
    worker = await Worker(service).hello(kinds=KINDS)
    assignment = await worker.hear()
    assert specs_pb2.ImageThumbSpec.FromString(assignment.spec).url == SOURCE
    assert assignment.destination == internal_pb2.Destination(
        s3_signed=internal_pb2.S3SignedDestination(url=TARGET)
    )
    state = f"half sent: {SESSION}".encode()
    await worker.say(checkpoint=work_pb2.Checkpoint(lease=assignment.lease, state=state))
    request = admin_pb2.GetItemRequest(item_id=created.key)

    async def saved() -> bool:
        item = await service.admin.GetItem(request, metadata=by("cli"))
        return bool(item.checkpoint_bytes == len(state))

    await becomes_true(saved, "the checkpoint")
    shown = await service.admin.GetItem(request, metadata=by("cli"))
    (status,) = await status_of(service, "v2", created.key, details=True)
    seen = f"{await _stored(db)} {shown} {status} {capsys.readouterr()}"
    assert created.key in seen
    assert [secret for secret in SECRETS if secret in seen] == []

    await worker.fail(assignment.lease, "Not now.", retryable=True)
    again = await worker.hear()
    assert (again.spec, again.destination) == (assignment.spec, assignment.destination)
    assert again.checkpoint == state


async def test_no_file_of_the_database_has_them(sqlite_url: str) -> None:
    db = Database(sqlite_url, metadata)
    await db.migrate("services.tasks.migrations")
    async with serving(db) as service:
        plain_source = "http://files.example/open.jpg"
        open_task = defined("v2", "image.thumb", url=plain_source)
        await create(service, "v2", _secret_task(), open_task)
    folder = Path(sqlite_url.removeprefix("sqlite:///")).parent
    kept = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    assert plain_source.encode() in kept
    assert [secret for secret in SECRETS if secret.encode() in kept] == []
    await db.close()


async def test_what_another_key_sealed_ends_in_an_error(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(db) as service:
        (created,) = await create(service, "v2", _secret_task())
    other = Vault(SecretStr("another key that is long enough here"), "tasks")
    monkeypatch.setattr(suite, "VAULT", other)
    async with serving(db) as service:
        worker = await Worker(service).hello(kinds=KINDS)
        (next_one,) = await create(service, "v2", _secret_task())
        accepted = await worker.hear()
        assert isinstance(accepted, work_pb2.Accepted)
        assert (await worker.hear()).lease.item_id == next_one.key
        (status,) = await status_of(service, "v2", created.key)
        assert "encryption key" in plain(status.error)
