"""Starts the accounts service: `python -m services.accounts`."""

import asyncio
from typing import Final

from services.accounts import store
from services.accounts.actions import Actions
from services.accounts.api import Accounts, Admin, Identities
from services.accounts.keyring import LocalKeyring
from services.accounts.secrets import Passwords, Vault
from services.chassis.auth import Authenticator
from services.chassis.database import Database
from services.chassis.server import Registration, serve
from services.chassis.settings import Settings, load
from vitascope.accounts.v1.accounts_pb2_grpc import add_AccountsServiceServicer_to_server
from vitascope.accounts.v1.internal_pb2_grpc import (
    add_AdminServiceServicer_to_server,
    add_IdentityServiceServicer_to_server,
)

NAME: Final = "accounts"


def wire(settings: Settings, db: Database) -> tuple[list[Registration], Authenticator]:
    """Return the service's doors, and who stands before them."""
    passwords = Passwords()
    keyring = LocalKeyring(db, passwords)
    actions = Actions(db, Vault(settings.encryption_key), passwords)
    servicers: list[Registration] = [
        (add_AccountsServiceServicer_to_server, Accounts(actions)),
        (add_IdentityServiceServicer_to_server, Identities(keyring)),
        (add_AdminServiceServicer_to_server, Admin(actions)),
    ]
    return servicers, Authenticator(keyring, settings.internal_key, keyring)


async def run(settings: Settings) -> None:
    """Serve until the process is told to stop."""
    db = Database(settings.database_for(NAME), store.metadata)
    await db.migrate("services.accounts.migrations")
    servicers, authenticator = wire(settings, db)
    try:
        await serve(NAME, settings.address_of(NAME), servicers, authenticator, settings=settings)
    finally:
        await db.close()


if __name__ == "__main__":
    asyncio.run(run(load()))
