"""What clients are called with: the very status that they would be answered, and who signs it."""

from typing import TYPE_CHECKING

from services.chassis.clients import Clients
from services.chassis.keyring import Remembered
from services.chassis.writing import Writer, iso_time, to_json
from services.tasks.actions.tasks import Task
from services.tasks.api.statuses import status_of
from services.tasks.api.versions import BY_NUMBER
from services.tasks.model import Item, TaskRecord
from vitascope.accounts.v1.internal_pb2 import GetCallbackSecretRequest
from vitascope.accounts.v1.internal_pb2_grpc import IdentityServiceStub

if TYPE_CHECKING:
    from vitascope.accounts.v1.internal_pb2_grpc import IdentityServiceAsyncStub

_WRITER = Writer(iso_time)
_WRITES = {
    number: _WRITER.message(version.messages.TaskStatus.DESCRIPTOR)
    for number, version in BY_NUMBER.items()
}


def callback_body(public_url: str, record: TaskRecord, item: Item) -> bytes:
    """Return the status of a task as JSON, as the version that created it shows it."""
    version = BY_NUMBER[record.version]
    status = status_of(version, Task(record, item), public_url, details=False)
    return to_json(_WRITES[record.version](status))


class CallbackSecrets:
    """What callbacks are signed with, asked of the accounts service and remembered for 4 s."""

    def __init__(self, clients: Clients) -> None:
        self._identity: IdentityServiceAsyncStub = clients.stub(IdentityServiceStub)
        self._secrets = Remembered[str]()

    async def of(self, account_id: str) -> str:
        """Return an account's secret. Raises VitascopeError, for an unknown account NotFound."""

        async def ask() -> str:
            request = GetCallbackSecretRequest(account_id=account_id)
            return (await self._identity.GetCallbackSecret(request)).secret

        return await self._secrets.get((account_id,), ask) or ""
