"""Tells the other services who a credential stands for."""

from collections.abc import Mapping
from dataclasses import asdict

import grpc

from services.accounts.actions.callback_secrets import CallbackSecrets
from services.accounts.actions.keys import TasksKeys
from services.accounts.actions.signatures import Signatures, SignedRequest
from services.chassis.errors import NotFound
from services.chassis.keyring import Keyring, UnknownKey
from services.chassis.limits import Limits
from vitascope.accounts.v1 import internal_pb2 as internal
from vitascope.accounts.v1.internal_pb2_grpc import IdentityServiceServicer
from vitascope.accounts.v1.limits_pb2 import AccountLimits

Context = grpc.ServicerContext


class Identities(IdentityServiceServicer):
    """Answers from the keyring; the caller's scope says that it is one of ours."""

    def __init__(
        self,
        keyring: Keyring,
        keys: TasksKeys,
        signatures: Signatures,
        callback_secrets: CallbackSecrets,
    ) -> None:
        self._keyring = keyring
        self._keys = keys
        self._signatures = signatures
        self._callback_secrets = callback_secrets

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
            limits=_by_team(key.limits),
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
        return internal.ResolveKeyResponse(
            account_id=key.account_id, user_id=key.user_id, limits=rendered_limits(key.limits)
        )

    async def ResolveSignature(
        self, request: internal.ResolveSignatureRequest, context: Context
    ) -> internal.ResolveSignatureResponse:
        """Return a token for one signed request."""
        signed = SignedRequest(
            user_id=request.key_id,
            timestamp=request.timestamp,
            method=request.method,
            path=request.path,
            body_sha256=request.body_sha256,
            signature=request.signature,
        )
        token = await self._signatures.token(signed)
        return internal.ResolveSignatureResponse(jwt_token=token)

    async def CheckOrigin(
        self, request: internal.CheckOriginRequest, context: Context
    ) -> internal.CheckOriginResponse:
        """Return whether pages of an origin may use the Tasks API."""
        listed = await self._keys.is_origin_listed(request.origin)
        return internal.CheckOriginResponse(listed=listed)

    async def GetCallbackSecret(
        self, request: internal.GetCallbackSecretRequest, context: Context
    ) -> internal.GetCallbackSecretResponse:
        """Return what an account's callbacks are signed with."""
        secret = await self._callback_secrets.of_account(request.account_id)
        return internal.GetCallbackSecretResponse(secret=secret)


def rendered_limits(limits: Limits) -> AccountLimits:
    """Return the limits' message."""
    return AccountLimits(**asdict(limits))


def _by_team(limits: Mapping[str, Limits]) -> dict[str, AccountLimits]:
    return {team: rendered_limits(each) for team, each in limits.items()}
