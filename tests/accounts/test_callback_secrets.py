"""What the callbacks of accounts are signed with."""

import asyncio

import sqlalchemy as sa

from services.accounts.store.tables import callback_secrets
from services.chassis.errors import NotFound
from tests.accounts.conftest import House, cli, refused
from tests.kit.identities import service
from vitascope.accounts.v1 import admin_pb2 as admin
from vitascope.accounts.v1 import internal_pb2 as internal


async def of_account(house: House, account_id: str) -> str:
    request = internal.GetCallbackSecretRequest(account_id=account_id)
    answer = await house.identities.GetCallbackSecret(request, metadata=service("tasks"))
    return answer.secret


async def shown(house: House, team: str) -> str:
    request = admin.ShowCallbackSecretRequest(team=team)
    return (await house.admin.ShowCallbackSecret(request, metadata=cli())).secret


async def rotated(house: House, team: str) -> str:
    request = admin.RotateCallbackSecretRequest(team=team)
    return (await house.admin.RotateCallbackSecret(request, metadata=cli())).secret


async def test_both_sides_see_one_secret_made_once(house: House) -> None:
    ann = await house.add(team="Restorers")
    secrets = await asyncio.gather(*(of_account(house, ann.team_id) for _ in range(8)))
    assert len(set(secrets)) == 1
    assert len(secrets[0]) == 26
    assert await shown(house, "Restorers") == await shown(house, ann.team_id) == secrets[0]


async def test_another_one_takes_its_place(house: House) -> None:
    ann = await house.add(team="Restorers")
    first = await rotated(house, "Restorers")
    assert await of_account(house, ann.team_id) == first
    second = await rotated(house, ann.team_id)
    assert await of_account(house, ann.team_id) == second != first


async def test_each_account_has_its_own(house: House) -> None:
    ann = await house.add(team="Restorers")
    # Its name is the other's id.
    other = await house.add("bob@example.org", team=ann.team_id)
    assert await of_account(house, ann.team_id) != await of_account(house, other.team_id)


async def test_it_lies_there_encrypted(house: House) -> None:
    ann = await house.add()
    secret = await of_account(house, ann.team_id)
    async with house.db.reading() as tx:
        [kept] = await tx.scalars(sa.select(callback_secrets.c.secret))
    assert secret not in kept


async def test_who_is_unknown_has_none(house: House) -> None:
    assert isinstance(await refused(of_account(house, "nobody")), NotFound)
    assert isinstance(await refused(shown(house, "nobody")), NotFound)
    assert isinstance(await refused(rotated(house, "nobody")), NotFound)
    async with house.db.reading() as tx:
        assert not await tx.scalar(sa.select(sa.func.count()).select_from(callback_secrets))
