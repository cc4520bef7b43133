"""Starts the accounts service: `python -m services.accounts`."""

import asyncio
from functools import partial
from typing import Final

from services.accounts.actions.administration import Administration
from services.accounts.actions.announcing import Announcer
from services.accounts.actions.callback_secrets import CallbackSecrets
from services.accounts.actions.keys import TasksKeys
from services.accounts.actions.own_account import OwnAccount
from services.accounts.actions.signatures import Signatures
from services.accounts.api.accounts import Accounts
from services.accounts.api.admin import Admin
from services.accounts.api.internal import Identities
from services.accounts.keyring import LocalKeyring
from services.accounts.secrets import Passwords
from services.accounts.store.tables import metadata
from services.chassis.auth import Authenticator
from services.chassis.database import Database
from services.chassis.event_metrics import watch_outbox
from services.chassis.events import Outbox
from services.chassis.keyring import RememberingKeyring
from services.chassis.limits import Limits
from services.chassis.server import Registration, serve
from services.chassis.settings import Settings, load
from services.chassis.vault import Vault
from vitascope.accounts.v1.accounts_pb2_grpc import add_AccountsServiceServicer_to_server
from vitascope.accounts.v1.internal_pb2_grpc import (
    add_AdminServiceServicer_to_server,
    add_IdentityServiceServicer_to_server,
)

NAME: Final = "accounts"


def wire(
    settings: Settings, db: Database, outbox: Outbox
) -> tuple[list[Registration], Authenticator]:
    """Return the service's doors, and who stands before them."""
    vault = Vault(settings.encryption_key, "accounts")
    passwords, limits = Passwords(), default_limits(settings)
    keyring = LocalKeyring(db, passwords, limits)
    # Other services remember what Identities tells them: it must not be remembered twice.
    remembering = RememberingKeyring(keyring)
    announcer = Announcer(outbox, remembering.forget)
    own_account = OwnAccount(db, announcer, vault, passwords)
    keys = TasksKeys(db, announcer)
    signatures = Signatures(db, vault, own_account)
    secrets = CallbackSecrets(db, vault)
    administration = Administration(db, announcer, vault, passwords, limits)
    servicers: list[Registration] = [
        (add_AccountsServiceServicer_to_server, Accounts(own_account)),
        (add_IdentityServiceServicer_to_server, Identities(keyring, keys, signatures, secrets)),
        (add_AdminServiceServicer_to_server, Admin(administration, keys, secrets)),
    ]
    return servicers, Authenticator(remembering, settings.internal_key, keyring)


def default_limits(settings: Settings) -> Limits:
    """Return the limits of teams that have none of their own."""
    return Limits(
        tasks_in_flight=settings.account_tasks_in_flight,
        tasks_per_minute=settings.account_tasks_per_minute,
        stored_bytes=settings.account_stored_bytes,
        requests_per_minute=settings.account_requests_per_minute,
    )


async def run(settings: Settings) -> None:
    """Serve until the process is told to stop."""
    db = Database(settings.database_for(NAME), metadata)
    await db.migrate("services.accounts.migrations")
    outbox = Outbox(db, settings, source=NAME)
    servicers, authenticator = wire(settings, db, outbox)
    try:
        await serve(
            NAME,
            settings.address_of(NAME),
            servicers,
            authenticator,
            settings=settings,
            background=[outbox.relay, partial(watch_outbox, db)],
        )
    finally:
        await db.close()


if __name__ == "__main__":
    asyncio.run(run(load()))
