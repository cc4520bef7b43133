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
from services.chassis.server import serve
from services.chassis.settings import Settings, load
from vitascope.accounts.v1.accounts_pb2_grpc import add_AccountsServiceServicer_to_server
from vitascope.accounts.v1.internal_pb2_grpc import (
    add_AdminServiceServicer_to_server,
    add_IdentityServiceServicer_to_server,
)

NAME: Final = "accounts"


async def run(settings: Settings) -> None:
    """Wire the service up and serve until it is told to stop."""
    db = Database(settings.database_for(NAME), store.metadata)
    await db.migrate("services.accounts.migrations")
    passwords = Passwords()
    keyring = LocalKeyring(db, passwords)
    actions = Actions(db, Vault(settings.encryption_key), passwords)
    try:
        await serve(
            NAME,
            settings.address_of(NAME),
            [
                (add_AccountsServiceServicer_to_server, Accounts(actions)),
                (add_IdentityServiceServicer_to_server, Identities(keyring)),
                (add_AdminServiceServicer_to_server, Admin(actions)),
            ],
            Authenticator(keyring, settings.internal_key, keyring),
            settings=settings,
        )
    finally:
        await db.close()


if __name__ == "__main__":
    asyncio.run(run(load()))
