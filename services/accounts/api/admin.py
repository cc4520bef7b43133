"""Manages users, teams, keys and limits, for the command line."""

from dataclasses import fields

import grpc

from services.accounts.actions.administration import PAGE, Administration
from services.accounts.actions.callback_secrets import CallbackSecrets
from services.accounts.actions.keys import TasksKeys
from services.accounts.api.internal import rendered_limits
from services.accounts.api.rendering import rendered_time
from services.chassis.limits import Limits
from vitascope.accounts.v1 import admin_pb2 as admin
from vitascope.accounts.v1 import internal_pb2 as internal
from vitascope.accounts.v1.internal_pb2_grpc import AdminServiceServicer

Context = grpc.ServicerContext

_LIMITS = {each.name for each in fields(Limits)}


class Admin(AdminServiceServicer):
    """The admin RPCs; the caller's scope says that it is the command line."""

    def __init__(
        self, actions: Administration, keys: TasksKeys, callback_secrets: CallbackSecrets
    ) -> None:
        self._actions = actions
        self._keys = keys
        self._callback_secrets = callback_secrets

    async def AddUser(
        self, request: internal.AddUserRequest, context: Context
    ) -> internal.AddUserResponse:
        """Add a user."""
        account = await self._actions.add_user(
            request.email, request.password, request.name, request.team
        )
        return internal.AddUserResponse(user_id=account.user.id, team_id=account.team.id)

    async def ListUsers(
        self, request: admin.ListUsersRequest, context: Context
    ) -> admin.ListUsersResponse:
        """Return a page of users."""
        page = await self._actions.users(request.page_token)
        entries = [
            admin.UserEntry(
                user_id=user.id,
                email=user.email,
                name=user.name,
                teams=teams,
                banned=user.banned,
                banned_reason=user.banned_reason,
                created_at=rendered_time(user.created_at),
            )
            for user, teams in page
        ]
        more = entries[-1].email if len(entries) == PAGE else ""
        return admin.ListUsersResponse(users=entries, next_page_token=more)

    async def BanUser(
        self, request: admin.BanUserRequest, context: Context
    ) -> admin.BanUserResponse:
        """Shut a user out."""
        return admin.BanUserResponse(user_id=await self._actions.ban(request.email, request.reason))

    async def UnbanUser(
        self, request: admin.UnbanUserRequest, context: Context
    ) -> admin.UnbanUserResponse:
        """Let a user in again."""
        return admin.UnbanUserResponse(user_id=await self._actions.unban(request.email))

    async def AddTeam(
        self, request: admin.AddTeamRequest, context: Context
    ) -> admin.AddTeamResponse:
        """Make a team."""
        return admin.AddTeamResponse(team_id=(await self._actions.add_team(request.name)).id)

    async def ListTeams(
        self, request: admin.ListTeamsRequest, context: Context
    ) -> admin.ListTeamsResponse:
        """Return a page of teams."""
        page = await self._actions.teams(request.page_token)
        entries = [
            admin.TeamEntry(
                team_id=team.id,
                name=team.name,
                members=members,
                created_at=rendered_time(team.created_at),
            )
            for team, members in page
        ]
        more = entries[-1].name if len(entries) == PAGE else ""
        return admin.ListTeamsResponse(teams=entries, next_page_token=more)

    async def AddMember(
        self, request: admin.AddMemberRequest, context: Context
    ) -> admin.AddMemberResponse:
        """Make a user a member of a team."""
        joined = await self._actions.join(request.email, request.team)
        return admin.AddMemberResponse(user_id=joined.user_id, team_id=joined.team_id)

    async def RemoveMember(
        self, request: admin.RemoveMemberRequest, context: Context
    ) -> admin.RemoveMemberResponse:
        """End a membership."""
        left = await self._actions.leave(request.email, request.team)
        return admin.RemoveMemberResponse(user_id=left.user_id, team_id=left.team_id)

    async def AddKeys(
        self, request: internal.AddKeysRequest, context: Context
    ) -> internal.AddKeysResponse:
        """Make a secret and an API key."""
        made = await self._keys.add(request.email, request.team, request.referrers)
        return internal.AddKeysResponse(keys_id=made.id, secret=made.secret, api_key=made.api_key)

    async def ListKeys(
        self, request: admin.ListKeysRequest, context: Context
    ) -> admin.ListKeysResponse:
        """Return a team's keys."""
        entries = [
            admin.KeysEntry(
                keys_id=keys.id,
                prefix=keys.prefix,
                email=email,
                referrers=keys.referrers,
                created_at=rendered_time(keys.created_at),
            )
            for keys, email in await self._keys.of_team(request.team)
        ]
        return admin.ListKeysResponse(keys=entries)

    async def RevokeKeys(
        self, request: admin.RevokeKeysRequest, context: Context
    ) -> admin.RevokeKeysResponse:
        """End keys."""
        return admin.RevokeKeysResponse(keys_id=await self._keys.revoke(request.keys))

    async def RotateKeys(
        self, request: admin.RotateKeysRequest, context: Context
    ) -> admin.RotateKeysResponse:
        """Replace a secret and an API key."""
        made = await self._keys.rotate(request.keys)
        return admin.RotateKeysResponse(keys_id=made.id, secret=made.secret, api_key=made.api_key)

    async def ShowCallbackSecret(
        self, request: admin.ShowCallbackSecretRequest, context: Context
    ) -> admin.ShowCallbackSecretResponse:
        """Return what a team's callbacks are signed with."""
        secret = await self._callback_secrets.of_team(request.team)
        return admin.ShowCallbackSecretResponse(secret=secret)

    async def RotateCallbackSecret(
        self, request: admin.RotateCallbackSecretRequest, context: Context
    ) -> admin.RotateCallbackSecretResponse:
        """Replace what a team's callbacks are signed with."""
        secret = await self._callback_secrets.rotate(request.team)
        return admin.RotateCallbackSecretResponse(secret=secret)

    async def SetLimits(
        self, request: admin.SetLimitsRequest, context: Context
    ) -> admin.SetLimitsResponse:
        """Set limits of a team."""
        given = {each.name: value for each, value in request.ListFields() if each.name in _LIMITS}
        limits = await self._actions.set_limits(request.team, given | dict.fromkeys(request.reset))
        return admin.SetLimitsResponse(limits=rendered_limits(limits))

    async def GetLimits(
        self, request: admin.GetLimitsRequest, context: Context
    ) -> admin.GetLimitsResponse:
        """Return the limits that hold for a team."""
        limits = await self._actions.limits(request.team)
        return admin.GetLimitsResponse(limits=rendered_limits(limits))
