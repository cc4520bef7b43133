"""The documented Accounts endpoints."""

import grpc

from services.accounts.actions.own_account import OwnAccount
from services.accounts.api.rendering import rendered_team, rendered_user
from services.chassis.auth import identity
from vitascope.accounts.v1 import accounts_pb2 as messages
from vitascope.accounts.v1.accounts_pb2_grpc import AccountsServiceServicer

Context = grpc.ServicerContext


class Accounts(AccountsServiceServicer):
    """The documented Accounts endpoints; the caller's scope says that there is a user."""

    def __init__(self, actions: OwnAccount) -> None:
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
            user=rendered_user(account.user),
            team=rendered_team(account.team),
            other_teams=[rendered_team(each) for each in account.other_teams],
        )

    async def GetAccount(
        self, request: messages.GetAccountRequest, context: Context
    ) -> messages.GetAccountResponse:
        """Return the caller's user and team."""
        account = await self._actions.account(_user_id(), identity().team_id or "")
        return messages.GetAccountResponse(
            user=rendered_user(account.user), team=rendered_team(account.team)
        )

    async def GenerateAuthSecret(
        self, request: messages.GenerateAuthSecretRequest, context: Context
    ) -> messages.GenerateAuthSecretResponse:
        """Make a new key pair."""
        user = await self._actions.rotate_key(_user_id())
        return messages.GenerateAuthSecretResponse(user=rendered_user(user))

    async def GenerateSignatureSecret(
        self, request: messages.GenerateSignatureSecretRequest, context: Context
    ) -> messages.GenerateSignatureSecretResponse:
        """Make a new shared secret."""
        user = await self._actions.new_signature_secret(_user_id())
        return messages.GenerateSignatureSecretResponse(user=rendered_user(user))

    async def UpdatePassword(
        self, request: messages.UpdatePasswordRequest, context: Context
    ) -> messages.UpdatePasswordResponse:
        """Set a new password."""
        user = await self._actions.set_password(_user_id(), request.new_password)
        return messages.UpdatePasswordResponse(user=rendered_user(user))


def _user_id() -> str:
    return identity().user_id or ""
