"""The gRPC doors of the accounts service."""

from datetime import datetime

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from services.accounts.actions import Actions
from services.accounts.model import Team, User
from services.chassis.auth import identity
from services.chassis.errors import NotFound
from services.chassis.keyring import Keyring, UnknownKey
from vitascope.accounts.v1 import accounts_pb2 as messages
from vitascope.accounts.v1 import internal_pb2 as internal
from vitascope.accounts.v1.accounts_pb2_grpc import AccountsServiceServicer
from vitascope.accounts.v1.internal_pb2_grpc import AdminServiceServicer, IdentityServiceServicer

Context = grpc.ServicerContext


class Accounts(AccountsServiceServicer):
    """The documented Accounts endpoints; the caller's scope says that there is a user."""

    def __init__(self, actions: Actions) -> None:
        self._actions = actions

    async def CreateToken(
        self, request: messages.CreateTokenRequest, context: Context
    ) -> messages.CreateTokenResponse:
        """Sign a token; with a token, for the same team unless another one is named."""
        team_id = request.team_id or identity().team_id or ""
        token = await self._actions.create_token(_user_id(), team_id)
        return messages.CreateTokenResponse(
            user_id=token.user_id, team_id=token.team_id, jwt_token=token.text
        )

    async def AuthenticateToken(
        self, request: messages.AuthenticateTokenRequest, context: Context
    ) -> messages.AuthenticateTokenResponse:
        """Tell whom the token stands for."""
        account = await self._actions.account(_user_id(), identity().team_id or "")
        return messages.AuthenticateTokenResponse(
            user=_user(account.user),
            team=_team(account.team),
            other_teams=[_team(each) for each in account.other_teams],
        )

    async def GetAccount(
        self, request: messages.GetAccountRequest, context: Context
    ) -> messages.GetAccountResponse:
        """Return the caller's user and team."""
        account = await self._actions.account(_user_id(), identity().team_id or "")
        return messages.GetAccountResponse(user=_user(account.user), team=_team(account.team))

    async def GenerateAuthSecret(
        self, request: messages.GenerateAuthSecretRequest, context: Context
    ) -> messages.GenerateAuthSecretResponse:
        """Make a new key pair."""
        user = await self._actions.rotate_key(_user_id())
        return messages.GenerateAuthSecretResponse(user=_user(user))

    async def GenerateSignatureSecret(
        self, request: messages.GenerateSignatureSecretRequest, context: Context
    ) -> messages.GenerateSignatureSecretResponse:
        """Make a new shared secret."""
        user = await self._actions.new_signature_secret(_user_id())
        return messages.GenerateSignatureSecretResponse(user=_user(user))

    async def UpdatePassword(
        self, request: messages.UpdatePasswordRequest, context: Context
    ) -> messages.UpdatePasswordResponse:
        """Set a new password."""
        user = await self._actions.set_password(_user_id(), request.new_password)
        return messages.UpdatePasswordResponse(user=_user(user))


class Identities(IdentityServiceServicer):
    """Tells the other services who a credential stands for."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def GetSigningKey(
        self, request: internal.GetSigningKeyRequest, context: Context
    ) -> internal.GetSigningKeyResponse:
        """Return a public key and its user's standing."""
        key = await self._keyring.signing_key(request.key_id)
        if key is None:
            raise NotFound("There is no such key.")
        return internal.GetSigningKeyResponse(
            public_key=key.public_key,
            user_id=key.user_id,
            banned=key.banned,
            banned_reason=key.banned_reason,
            team_ids=key.team_ids,
        )

    async def ResolveKey(
        self, request: internal.ResolveKeyRequest, context: Context
    ) -> internal.ResolveKeyResponse:
        """Return the account of a secret or an API key."""
        if request.WhichOneof("credential") == "secret":
            key = await self._keyring.account_of_secret(request.secret)
        else:
            key = await self._keyring.account_of_api_key(request.api_key, request.referrer)
        if key is None:
            raise UnknownKey("No account has this key, or the page may not use it.")
        return internal.ResolveKeyResponse(account_id=key.account_id, user_id=key.user_id)


class Admin(AdminServiceServicer):
    """Manages users, for the command line."""

    def __init__(self, actions: Actions) -> None:
        self._actions = actions

    async def AddUser(
        self, request: internal.AddUserRequest, context: Context
    ) -> internal.AddUserResponse:
        """Add a user."""
        account = await self._actions.add_user(
            request.email, request.password, request.name, request.team
        )
        return internal.AddUserResponse(user_id=account.user.id, team_id=account.team.id)

    async def AddKeys(
        self, request: internal.AddKeysRequest, context: Context
    ) -> internal.AddKeysResponse:
        """Make a secret and an API key."""
        secret, api_key = await self._actions.add_keys(request.email, request.referrers)
        return internal.AddKeysResponse(secret=secret, api_key=api_key)


def _user_id() -> str:
    return identity().user_id or ""


def _user(user: User) -> messages.User:
    return messages.User(
        id=user.id,
        name=user.name,
        email=user.email,
        email_confirmed=user.email_confirmed,
        auth_signature_method="EdDSA",
        auth_signature_public_key=user.public_key,
        auth_signature_public_key_id=user.key_id,
        banned=user.banned,
        banned_reason=user.banned_reason,
        banned_date=_timestamp(user.banned_at) if user.banned_at else None,
        api_request_signature_secret=user.signature_secret,
        api_request_signature_method="HMAC-SHA256" if user.signature_secret else None,
        date_created=_timestamp(user.created_at),
        time_last_updated=_timestamp(user.updated_at),
    )


def _team(team: Team) -> messages.Team:
    return messages.Team(
        id=team.id,
        name=team.name,
        date_created=_timestamp(team.created_at),
        time_last_updated=_timestamp(team.updated_at),
    )


def _timestamp(moment: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp
