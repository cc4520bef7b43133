"""What the command line does with users, teams, keys and limits."""

import grpc
import pytest
import sqlalchemy as sa

from services.accounts.actions import administration
from services.accounts.store.tables import account_keys, callback_secrets, listed_pages, outbox
from services.chassis import mailboxes
from tests.accounts.conftest import EMAIL, House, bearer, claims_of, cli, refused
from tests.kit.identities import service
from vitascope.accounts.v1 import accounts_pb2 as messages
from vitascope.accounts.v1 import admin_pb2 as admin
from vitascope.accounts.v1 import internal_pb2 as internal
from vitascope.accounts.v1.events_pb2 import AccountEvent
from vitascope.accounts.v1.limits_pb2 import AccountLimits


async def add_keys(house: House, team: str = "", email: str = EMAIL) -> internal.AddKeysResponse:
    request = internal.AddKeysRequest(email=email, team=team, referrers=["https://a.example"])
    return await house.admin.AddKeys(request, metadata=cli())


async def resolve(house: House, secret: str) -> internal.ResolveKeyResponse:
    request = internal.ResolveKeyRequest(secret=secret)
    return await house.identities.ResolveKey(request, metadata=service("tasks"))


async def is_listed(house: House, origin: str) -> bool:
    request = internal.CheckOriginRequest(origin=origin)
    answer = await house.identities.CheckOrigin(request, metadata=service("gateway"))
    return answer.listed


async def happenings(house: House) -> list[AccountEvent]:
    async with house.db.reading() as tx:
        waiting = await mailboxes.oldest(tx, outbox, 100)
    assert {event.topic for event in waiting} == {"vitascope.accounts.v1"}
    events = [AccountEvent.FromString(event.value) for event in waiting]
    assert [event.key for event in waiting] == [each.user_id or each.team_id for each in events]
    return events


async def test_everything_is_told_to_the_world(house: House) -> None:
    ann = await house.add(team="Restorers")
    made = await add_keys(house)
    by = cli()
    await house.admin.BanUser(admin.BanUserRequest(email=EMAIL, reason="spam"), metadata=by)
    await house.admin.UnbanUser(admin.UnbanUserRequest(email=EMAIL), metadata=by)
    await house.admin.RotateKeys(admin.RotateKeysRequest(keys=made.keys_id), metadata=by)
    await house.admin.RevokeKeys(admin.RevokeKeysRequest(keys=made.keys_id), metadata=by)
    limits = admin.SetLimitsRequest(team="Restorers", stored_bytes=5)
    await house.admin.SetLimits(limits, metadata=by)
    events = await happenings(house)
    assert [event.WhichOneof("happening") for event in events] == [
        "user_added",
        "team_added",
        "member_added",
        "keys_added",
        "user_banned",
        "user_unbanned",
        "keys_revoked",
        "keys_added",
        "keys_revoked",
        "limits_changed",
    ]
    assert (events[2].user_id, events[2].team_id) == (ann.user_id, ann.team_id)
    assert (events[-1].team_id, events[-1].limits_changed.limits.stored_bytes) == (ann.team_id, 5)
    assert not any(made.secret in str(event) or made.api_key in str(event) for event in events)


async def test_lists_come_in_pages(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("actions.administration", "api.admin"):
        monkeypatch.setattr(f"services.accounts.{module}.PAGE", 2)
    assert administration.PAGE == 2
    emails = [f"{name}@example.com" for name in ("cid", "ann", "bob")]
    for email in emails:
        await house.add(email, team="Restorers")
    users: list[admin.UserEntry] = []
    token = ""
    for _ in range(2):
        page = await house.admin.ListUsers(admin.ListUsersRequest(page_token=token), metadata=cli())
        users += page.users
        token = page.next_page_token
    assert token == ""
    assert [user.email for user in users] == sorted(emails)
    assert all(list(user.teams) == ["Restorers"] for user in users)
    teams = (await house.admin.ListTeams(admin.ListTeamsRequest(), metadata=cli())).teams
    assert [(team.name, list(team.members)) for team in teams] == [("Restorers", emails)]


async def test_memberships(house: House) -> None:
    ann = await house.add()
    other = await house.admin.AddTeam(admin.AddTeamRequest(name="Others"), metadata=cli())
    again = house.admin.AddTeam(admin.AddTeamRequest(name="Others"), metadata=cli())
    assert (await refused(again)).code == grpc.StatusCode.ABORTED
    for team in ("Others", other.team_id):
        join = admin.AddMemberRequest(email="ANN@example.com", team=team)
        joined = await house.admin.AddMember(join, metadata=cli())
        assert (joined.user_id, joined.team_id) == (ann.user_id, other.team_id)
    assert claims_team(await house.login(team=other.team_id)) == other.team_id
    for team, code in (
        ("Unknown", grpc.StatusCode.NOT_FOUND),
        ("Others", None),
        ("Others", grpc.StatusCode.NOT_FOUND),
        (ann.team_id, grpc.StatusCode.FAILED_PRECONDITION),
    ):
        leave = admin.RemoveMemberRequest(email=EMAIL, team=team)
        call = house.admin.RemoveMember(leave, metadata=cli())
        if code is None:
            await call
        else:
            assert (await refused(call)).code == code
    assert claims_team(await house.login()) == ann.team_id


def claims_team(token: str) -> str:
    return str(claims_of(token)["team"])


async def test_keys_of_a_team(house: House) -> None:
    await house.add()
    stranger = await house.add("bob@example.com")
    made = await add_keys(house)
    entries = await house.admin.ListKeys(admin.ListKeysRequest(team=EMAIL), metadata=cli())
    [entry] = entries.keys
    assert (entry.keys_id, entry.prefix, entry.email) == (made.keys_id, made.api_key[:4], EMAIL)
    foreign = await refused(add_keys(house, team=stranger.team_id))
    assert foreign.code == grpc.StatusCode.PERMISSION_DENIED
    rotate = admin.RotateKeysRequest(keys=entry.prefix)
    fresh = await house.admin.RotateKeys(rotate, metadata=cli())
    assert (await resolve(house, fresh.secret)).user_id
    assert (await refused(resolve(house, made.secret))).reason == "UnknownKeyException"
    entries = await house.admin.ListKeys(admin.ListKeysRequest(team=EMAIL), metadata=cli())
    assert [each.prefix for each in entries.keys] == [fresh.api_key[:4]]
    revoke = admin.RevokeKeysRequest(keys=made.keys_id)
    await house.admin.RevokeKeys(revoke, metadata=cli())
    assert (await refused(resolve(house, fresh.secret))).reason == "UnknownKeyException"
    gone = house.admin.RevokeKeys(revoke, metadata=cli())
    assert (await refused(gone)).code == grpc.StatusCode.NOT_FOUND


async def test_a_prefix_that_several_have_names_none(house: House) -> None:
    await house.add()
    first, second = await add_keys(house), await add_keys(house)
    async with house.db.transaction() as tx:
        await tx.execute(account_keys.update().values(prefix="same"))
    revoke = admin.RevokeKeysRequest(keys="same")
    error = await refused(house.admin.RevokeKeys(revoke, metadata=cli()))
    assert error.code == grpc.StatusCode.ABORTED
    for keys in (first, second):
        assert (await resolve(house, keys.secret)).account_id


async def test_a_ban_ends_the_users_keys(house: House) -> None:
    await house.add()
    made = await add_keys(house)
    await house.admin.BanUser(admin.BanUserRequest(email=EMAIL), metadata=cli())
    assert (await refused(resolve(house, made.secret))).reason == "UnknownKeyException"
    await house.admin.UnbanUser(admin.UnbanUserRequest(email=EMAIL), metadata=cli())
    assert (await resolve(house, made.secret)).account_id


async def test_limits_reach_whoever_asks_for_a_key(house: House) -> None:
    ann = await house.add()
    made = await add_keys(house)
    first = admin.SetLimitsRequest(team=EMAIL, tasks_in_flight=3, requests_per_minute=60)
    await house.admin.SetLimits(first, metadata=cli())
    second = admin.SetLimitsRequest(team=ann.team_id, requests_per_minute=0)
    await house.admin.SetLimits(second, metadata=cli())
    expected = AccountLimits(tasks_in_flight=3)
    shown = await house.admin.GetLimits(admin.GetLimitsRequest(team=EMAIL), metadata=cli())
    assert shown.limits == expected
    assert (await resolve(house, made.secret)).limits == expected
    user = (await house.whoami(await house.login())).user
    request = internal.GetSigningKeyRequest(key_id=user.auth_signature_public_key_id)
    key = await house.identities.GetSigningKey(request, metadata=service("videos"))
    assert dict(key.limits) == {ann.team_id: expected}
    negative = admin.SetLimitsRequest(team=EMAIL, stored_bytes=-1)
    error = await refused(house.admin.SetLimits(negative, metadata=cli()))
    assert error.code == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("origin", "listed"),
    [
        ("https://a.example", True),
        ("https://a.example:8443", True),
        ("http://a.example", False),
        ("https://b.example", False),
        ("null", False),
    ],
)
async def test_origins(house: House, origin: str, listed: bool) -> None:
    await house.add()
    await add_keys(house)
    assert await is_listed(house, origin) is listed


async def test_origins_of_revoked_keys_are_no_longer_listed(house: House) -> None:
    await house.add()
    made = await add_keys(house)
    assert await is_listed(house, "https://a.example")
    await house.admin.RevokeKeys(admin.RevokeKeysRequest(keys=made.keys_id), metadata=cli())
    assert not await is_listed(house, "https://a.example")


async def test_pages_listed_before_there_was_a_table_for_them_are_found(house: House) -> None:
    await house.add()
    await add_keys(house)
    async with house.db.transaction() as tx:
        await tx.run_sync(listed_pages.drop)
        await tx.run_sync(callback_secrets.drop)
        await tx.execute(sa.text("UPDATE alembic_version SET version_num = '0002'"))
    await house.db.migrate("services.accounts.migrations")
    assert await is_listed(house, "https://a.example")


async def test_what_ends_a_token_ends_it_at_once_in_the_service_itself(house: House) -> None:
    """The keys that the service remembers are forgotten before the change is answered."""
    await house.add(team="Restorers")
    token = await house.login()
    by = cli()
    await house.whoami(token)
    await house.admin.BanUser(admin.BanUserRequest(email=EMAIL), metadata=by)
    assert (await refused(house.whoami(token))).reason == "UserBannedException"
    await house.admin.UnbanUser(admin.UnbanUserRequest(email=EMAIL), metadata=by)
    await house.whoami(token)
    limits = admin.SetLimitsRequest(team="Restorers", requests_per_minute=1)
    await house.admin.SetLimits(limits, metadata=by)
    await house.whoami(token)
    assert (await refused(house.whoami(token))).code == grpc.StatusCode.RESOURCE_EXHAUSTED
    await house.admin.SetLimits(
        admin.SetLimitsRequest(team="Restorers", requests_per_minute=0), metadata=by
    )
    await house.accounts.GenerateAuthSecret(
        messages.GenerateAuthSecretRequest(), metadata=bearer(token)
    )
    assert (await refused(house.whoami(token))).reason == "InvalidJWTTokenFoundException"


async def test_a_limit_that_is_reset_is_as_the_settings_say(house: House) -> None:
    await house.add(team="Restorers")
    team = admin.GetLimitsRequest(team="Restorers")
    before = (await house.admin.GetLimits(team, metadata=cli())).limits
    given = admin.SetLimitsRequest(team="Restorers", stored_bytes=5, tasks_per_minute=6)
    await house.admin.SetLimits(given, metadata=cli())
    reset = admin.SetLimitsRequest(team="Restorers", reset=["stored_bytes"])
    after = (await house.admin.SetLimits(reset, metadata=cli())).limits
    assert (after.stored_bytes, after.tasks_per_minute) == (before.stored_bytes, 6)
    unknown = house.admin.SetLimits(
        admin.SetLimitsRequest(team="Restorers", reset=["patience"]), metadata=cli()
    )
    assert (await refused(unknown)).code == grpc.StatusCode.INVALID_ARGUMENT
