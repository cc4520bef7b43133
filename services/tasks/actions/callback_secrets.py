"""What callbacks are signed with, as the accounts service says."""

from typing import TYPE_CHECKING

from services.chassis.clients import Clients
from services.chassis.keyring import Remembered
from vitascope.accounts.v1.internal_pb2 import GetCallbackSecretRequest
from vitascope.accounts.v1.internal_pb2_grpc import IdentityServiceStub

if TYPE_CHECKING:
    from vitascope.accounts.v1.internal_pb2_grpc import IdentityServiceAsyncStub


class CallbackSecrets:
    """Asks for the secrets of accounts, and remembers them for 4 s."""

    def __init__(self, clients: Clients) -> None:
        self._identity: IdentityServiceAsyncStub = clients.stub(IdentityServiceStub)
        self._secrets = Remembered[str]()

    async def of(self, account_id: str) -> str:
        """Return an account's secret. Raises VitascopeError, for an unknown account NotFound."""

        async def ask() -> str:
            request = GetCallbackSecretRequest(account_id=account_id)
            return (await self._identity.GetCallbackSecret(request)).secret

        return await self._secrets.get((account_id,), ask) or ""
