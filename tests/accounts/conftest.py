"""The accounts service as wired in production but for the price of a hash, on each database."""

import base64
from collections.abc import AsyncIterator, Awaitable

import grpc
import jwt
import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from services.accounts.__main__ import wire
from services.accounts.store import people
from services.accounts.store.tables import metadata
from services.chassis.database import Database
from services.chassis.errors import VitascopeError, from_rpc
from services.chassis.events import Outbox
from tests.kit.identities import Metadata, authorization, make_settings, running, service
from vitascope.accounts.v1 import accounts_pb2 as messages
from vitascope.accounts.v1.accounts_pb2_grpc import AccountsServiceStub
from vitascope.accounts.v1.internal_pb2 import AddUserRequest, AddUserResponse
from vitascope.accounts.v1.internal_pb2_grpc import AdminServiceStub, IdentityServiceStub

EMAIL, PASSWORD = "ann@example.com", "her password"


def cli() -> Metadata:
    return service("cli")


class House:
    """The running service, and short words for what tests do with it."""

    def __init__(self, channel: grpc.aio.Channel, db: Database | None = None) -> None:
        self._db = db
        self.accounts = AccountsServiceStub(channel)
        self.identities = IdentityServiceStub(channel)
        self.admin = AdminServiceStub(channel)

    @property
    def db(self) -> Database:
        """The database, where the test runs the service itself."""
        assert self._db
        return self._db

    async def add(self, email: str = EMAIL, team: str = "", name: str = "") -> AddUserResponse:
        request = AddUserRequest(email=email, password=PASSWORD, team=team, name=name)
        return await self.admin.AddUser(request, metadata=cli())

    async def join(self, user_id: str, team_id: str) -> None:
        """Make a user a member of a second team, by their ids."""
        async with self.db.transaction() as tx:
            await people.join(tx, user_id, team_id)

    async def login(self, email: str = EMAIL, password: str = PASSWORD, team: str = "") -> str:
        """Return a token."""
        request = messages.CreateTokenRequest(team_id=team)
        answer = await self.accounts.CreateToken(request, metadata=basic(email, password))
        return answer.jwt_token

    async def whoami(self, token: str) -> messages.AuthenticateTokenResponse:
        return await self.accounts.AuthenticateToken(
            messages.AuthenticateTokenRequest(), metadata=bearer(token)
        )


def basic(email: str = EMAIL, password: str = PASSWORD) -> Metadata:
    return authorization("Basic " + base64.b64encode(f"{email}:{password}".encode()).decode())


def bearer(token: str) -> Metadata:
    return authorization(f"Bearer {token}")


def claims_of(token: str) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    return claims


async def refused(call: Awaitable[object]) -> VitascopeError:
    """Return the error that a call ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc(caught.value)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def house(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    cheap = PasswordHasher.from_parameters(CHEAPEST)
    monkeypatch.setattr("services.accounts.secrets.PasswordHasher", lambda: cheap)
    settings = make_settings(database_url=database_url)
    db = Database(settings.database_for("accounts"), metadata)
    await db.migrate("services.accounts.migrations")
    servicers, authenticator = wire(settings, db, Outbox(db, settings, "accounts"))
    async with running(*servicers, authenticator=authenticator) as (channel, _):
        yield House(channel, db)
    await db.close()
