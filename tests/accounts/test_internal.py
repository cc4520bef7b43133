"""What the command line and the other services ask."""

import grpc
import pytest

from tests.accounts.conftest import EMAIL, PASSWORD, House, basic, bearer, cli, refused
from tests.kit.identities import Metadata, service
from vitascope.accounts.v1 import internal_pb2 as internal


def videos() -> Metadata:
    return service("videos")


PAGE = "https://app.example.com/editor"


async def test_a_user_without_a_team_gets_one_of_their_own(house: House) -> None:
    ann, bob = await house.add(), await house.add("bob@example.com")
    assert ann.team_id != bob.team_id
    whoami = await house.whoami(await house.login())
    assert (whoami.user.name, whoami.team.name) == (EMAIL, EMAIL)


async def test_users_who_name_the_same_team_share_it(house: House) -> None:
    ann = await house.add(team="Restorers")
    bob = await house.add("bob@example.com", team="Restorers")
    assert ann.team_id == bob.team_id


async def test_a_taken_address_changes_nothing(house: House) -> None:
    await house.add()
    error = await refused(house.add("ANN@example.com", team="Others"))
    assert error.code == grpc.StatusCode.ABORTED
    assert (await house.whoami(await house.login())).team.name == EMAIL
    bob = await house.add("bob@example.com", team="Others")
    assert bob.team_id


async def test_an_own_team_is_never_a_team_of_others(house: House) -> None:
    await house.add(team="bob@example.com")
    assert (await refused(house.add("bob@example.com"))).code == grpc.StatusCode.ABORTED
    assert await house.add("bob@example.com", team="bob@example.com")


@pytest.mark.parametrize("email", ["ann", "@example.com", "ann@", "a b@example.com", "a:b@c.de"])
async def test_what_is_no_address_is_refused(house: House, email: str) -> None:
    error = await refused(house.add(email))
    assert error.code == grpc.StatusCode.INVALID_ARGUMENT
    assert [violation.field for violation in error.violations] == ["email"]


async def test_the_contract_checks_what_it_can(house: House) -> None:
    request = internal.AddUserRequest(email="a", password="short")
    error = await refused(house.admin.AddUser(request, metadata=cli()))
    assert [violation.field for violation in error.violations] == ["email", "password"]


async def test_keys_open_their_account_and_are_kept_as_hashes(house: House) -> None:
    ann = await house.add()
    request = internal.AddKeysRequest(email="Ann@example.com", referrers=[PAGE])
    keys = await house.admin.AddKeys(request, metadata=cli())
    assert (len(keys.secret), len(keys.api_key)) == (26, 13)
    assert keys.secret.isupper()
    assert keys.api_key.islower()
    for asked in (
        internal.ResolveKeyRequest(secret=keys.secret),
        internal.ResolveKeyRequest(api_key=keys.api_key, referrer=f"{PAGE}?id=1"),
    ):
        answer = await house.identities.ResolveKey(asked, metadata=videos())
        assert (answer.account_id, answer.user_id) == (ann.team_id, ann.user_id)
    for wrong in (
        internal.ResolveKeyRequest(secret=keys.api_key),
        internal.ResolveKeyRequest(secret="A" * 26),
        internal.ResolveKeyRequest(api_key=keys.secret, referrer=PAGE),
        internal.ResolveKeyRequest(api_key=keys.api_key),
        internal.ResolveKeyRequest(api_key=keys.api_key, referrer="https://app.example.com/"),
    ):
        error = await refused(house.identities.ResolveKey(wrong, metadata=videos()))
        assert (error.code, error.reason) == (
            grpc.StatusCode.UNAUTHENTICATED,
            "UnknownKeyException",
        )
    neither = internal.ResolveKeyRequest()
    error = await refused(house.identities.ResolveKey(neither, metadata=videos()))
    assert error.code == grpc.StatusCode.INVALID_ARGUMENT


async def test_keys_of_an_unknown_user_are_not_made(house: House) -> None:
    request = internal.AddKeysRequest(email="nobody@example.com")
    error = await refused(house.admin.AddKeys(request, metadata=cli()))
    assert error.code == grpc.StatusCode.NOT_FOUND


async def test_a_signing_key_says_whose_it_is(house: House) -> None:
    ann = await house.add()
    user = (await house.whoami(await house.login())).user
    request = internal.GetSigningKeyRequest(key_id=user.auth_signature_public_key_id)
    key = await house.identities.GetSigningKey(request, metadata=videos())
    assert key.public_key == user.auth_signature_public_key
    assert (key.user_id, list(key.team_ids), key.banned) == (ann.user_id, [ann.team_id], False)
    unknown = internal.GetSigningKeyRequest(key_id="unknown")
    error = await refused(house.identities.GetSigningKey(unknown, metadata=videos()))
    assert error.code == grpc.StatusCode.NOT_FOUND


async def test_only_the_suite_asks_and_only_the_command_line_manages(house: House) -> None:
    await house.add()
    user = bearer(await house.login())
    strangers: list[Metadata] = [(), basic(EMAIL, PASSWORD), user]
    key = internal.GetSigningKeyRequest(key_id="any")
    add = internal.AddUserRequest(email="eve@example.com", password=PASSWORD)
    for metadata in strangers:
        assert (await refused(house.identities.GetSigningKey(key, metadata=metadata))).code in (
            grpc.StatusCode.UNAUTHENTICATED,
            grpc.StatusCode.PERMISSION_DENIED,
        )
    for metadata in [*strangers, videos()]:
        await refused(house.admin.AddUser(add, metadata=metadata))
    assert (await refused(house.login("eve@example.com"))).reason == "AuthException"
