"""Calls between services: credential, request id, deadline, errors; and the remote keyring."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from services.chassis import clients as clients_module
from services.chassis import telemetry
from services.chassis.clients import Clients
from services.chassis.errors import NotFound, Unauthenticated, Unavailable
from services.chassis.keyring import RemoteKeyring, UnknownKey
from services.chassis.limits import Limits
from services.chassis.server import Registration, create_server
from tests.chassis.servicers import Ledger, register
from tests.chassis.test_server import GOOD
from tests.kit.identities import Identities, make_settings, running
from vitascope.accounts.v1 import internal_pb2, internal_pb2_grpc
from vitascope.accounts.v1.limits_pb2 import AccountLimits
from vitascope.work.v1.work_pb2 import WorkRequest
from vitascope.work.v1.work_pb2_grpc import LedgerServiceStub


@asynccontextmanager
async def clients_of(*servicers: Registration) -> AsyncIterator[Clients]:
    """Serve the servicers for every address of the suite; gives clients that call as `videos`."""
    async with running(*servicers, authenticator=Identities().authenticator()) as (_, address):
        clients = Clients(make_settings(accounts_address=address, tasks_address=address), "videos")
        yield clients
        await clients.close()


async def test_calls_say_who_calls_and_for_which_request() -> None:
    async with clients_of(*register(Ledger())) as clients:
        telemetry.set_request_id("req-5")
        item = (await clients.stub(LedgerServiceStub).Submit(GOOD)).items[0]
        assert (item.owner, item.request_id) == ("videos", "req-5")
        messages = iter([WorkRequest(), WorkRequest()])
        line = clients.stub(LedgerServiceStub).Work(messages)
        assert [each.assignment.account_id async for each in line] == ["videos", "videos"]


async def test_errors_of_the_other_side_are_raised_here() -> None:
    async def act() -> None:
        raise NotFound("There is no such thing.", reason="NoSuchThingException")

    async with clients_of(*register(Ledger(act))) as clients:
        stub = clients.stub(LedgerServiceStub)
        with pytest.raises(NotFound) as caught:
            await stub.Submit(GOOD)
        assert caught.value.reason == "NoSuchThingException"
        line = stub.Work()
        await line.write(WorkRequest())
        await line.read()
        with pytest.raises(NotFound):
            await line.read()


async def test_a_peer_that_is_away_is_unavailable() -> None:
    clients = Clients(make_settings(tasks_address="127.0.0.1:1"), "videos")
    with pytest.raises(Unavailable):
        await clients.stub(LedgerServiceStub).Submit(GOOD)
    with pytest.raises(Unavailable):
        await clients.stub(LedgerServiceStub).Work().read()
    await clients.close()


async def test_calls_have_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients_module, "DEADLINE_SECONDS", 0.2)
    async with clients_of(*register(Ledger(asyncio.Event().wait))) as clients:  # type: ignore[arg-type]
        with pytest.raises(Unavailable):
            await clients.stub(LedgerServiceStub).Submit(GOOD)


async def test_a_peer_that_comes_back_on_its_port_is_found_again() -> None:
    ledger, identities = Ledger(), Identities()
    async with running(*register(ledger), authenticator=identities.authenticator()) as (_, first):
        clients = Clients(make_settings(tasks_address=first), "videos")
        stub = clients.stub(LedgerServiceStub)
        await stub.Submit(GOOD)
    with pytest.raises(Unavailable):
        await stub.Submit(GOOD)
    server = create_server(register(ledger), identities.authenticator())
    server.add_insecure_port(first)
    await server.start()
    answer = await stub.Submit(GOOD, wait_for_ready=True)
    assert answer.items[0].owner == "videos"
    await clients.close()
    await server.stop(None)


async def test_replicas_share_the_calls_and_stand_in_for_each_other() -> None:
    authenticator = Identities().authenticator()
    one, two = Ledger(), Ledger()
    async with running(*register(one), authenticator=authenticator) as (_, first):
        async with running(*register(two), authenticator=authenticator) as (_, second):
            clients = Clients(make_settings(tasks_address=f"{first},{second}"), "videos")
            stub = clients.stub(LedgerServiceStub)
            async with asyncio.timeout(20):
                while not (one.reached and two.reached):
                    await stub.Submit(GOOD)
        reached = two.reached
        for _ in range(10):
            await stub.Submit(GOOD, wait_for_ready=True)
        assert two.reached == reached
    await clients.close()


class IdentityService(internal_pb2_grpc.IdentityServiceServicer):
    """An accounts service that counts what it is asked."""

    ResolveSignature: Any = None
    CheckOrigin: Any = None
    GetCallbackSecret: Any = None

    def __init__(self) -> None:
        self.asked = 0
        self.act: Callable[[], None] = lambda: None
        self.refusal = UnknownKey("No account has this key.")

    async def GetSigningKey(
        self, request: internal_pb2.GetSigningKeyRequest, context: Any
    ) -> internal_pb2.GetSigningKeyResponse:
        self.asked += 1
        self.act()
        if request.key_id != "key-1":
            raise NotFound("There is no such key.")
        return internal_pb2.GetSigningKeyResponse(
            public_key="PEM",
            user_id="ann",
            team_ids=["a", "b"],
            banned=True,
            banned_reason="spam",
            limits={"a": AccountLimits(requests_per_minute=7)},
        )

    async def ResolveKey(
        self, request: internal_pb2.ResolveKeyRequest, context: Any
    ) -> internal_pb2.ResolveKeyResponse:
        self.asked += 1
        if (request.secret, request.api_key, request.referrer) in (
            ("s", "", ""),
            ("", "k", "https://page"),
        ):
            limits = AccountLimits(stored_bytes=2**40)
            return internal_pb2.ResolveKeyResponse(
                account_id="team-a", user_id="ann", limits=limits
            )
        raise self.refusal


@asynccontextmanager
async def remote_keyring() -> AsyncIterator[tuple[RemoteKeyring, IdentityService]]:
    accounts = IdentityService()
    async with clients_of(
        (internal_pb2_grpc.add_IdentityServiceServicer_to_server, accounts)
    ) as clients:
        yield RemoteKeyring(clients), accounts


async def test_the_remote_keyring_asks_the_accounts_service() -> None:
    async with remote_keyring() as (keyring, _):
        key = await keyring.signing_key("key-1")
        assert key is not None
        assert (key.user_id, key.team_ids, key.banned_reason) == ("ann", ("a", "b"), "spam")
        assert key.limits == {"a": Limits(requests_per_minute=7)}
        assert await keyring.signing_key("key-2") is None
        for account in (
            await keyring.account_of_secret("s"),
            await keyring.account_of_api_key("k", "https://page"),
        ):
            assert account is not None
            assert account.account_id == "team-a"
            assert account.limits == Limits(stored_bytes=2**40)
        assert await keyring.account_of_secret("t") is None
        assert await keyring.account_of_api_key("k", "https://elsewhere") is None


async def test_answers_are_remembered_for_seconds_also_negative_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with remote_keyring() as (keyring, accounts):
        for _ in range(3):
            await keyring.signing_key("key-1")
            await keyring.account_of_secret("unknown")
        assert accounts.asked == 2
        monkeypatch.setattr("services.chassis.keyring.REMEMBERED_SECONDS", 0.0)
        await keyring.account_of_secret("fresh")
        await keyring.account_of_secret("fresh")
        assert accounts.asked == 4


async def test_an_answer_is_as_old_as_its_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ended while the answer was on its way ends as soon as all else."""
    clock = 1000.0
    # Not the module's own function: the event loop reads the same clock.
    stand_in = SimpleNamespace(monotonic=lambda: clock)
    monkeypatch.setattr("services.chassis.keyring.time", stand_in)

    def take_a_second() -> None:
        nonlocal clock
        clock += 1

    async with remote_keyring() as (keyring, accounts):
        accounts.act = take_a_second
        await keyring.signing_key("key-1")
        clock = 1003.9
        await keyring.signing_key("key-1")
        assert accounts.asked == 1
        clock = 1004.1
        await keyring.signing_key("key-1")
        assert accounts.asked == 2


async def test_what_is_forgotten_is_asked_anew_also_where_an_answer_is_on_its_way() -> None:
    async with remote_keyring() as (keyring, accounts):
        await keyring.signing_key("key-1")
        keyring.forget()
        accounts.act = keyring.forget
        await keyring.signing_key("key-1")
        accounts.act = lambda: None
        await keyring.signing_key("key-1")
        await keyring.signing_key("key-1")
        assert accounts.asked == 3


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.chassis.keyring.REMEMBERED_ANSWERS", 2)
    async with remote_keyring() as (keyring, accounts):
        for secret in ("1", "2", "3", "1"):
            await keyring.account_of_secret(secret)
        assert accounts.asked == 4


async def test_a_refusal_of_this_service_itself_is_not_an_unknown_key() -> None:
    async with remote_keyring() as (keyring, accounts):
        accounts.refusal = Unauthenticated("The service credential is not valid.")  # type: ignore[assignment]
        with pytest.raises(Unauthenticated):
            await keyring.account_of_secret("t")
