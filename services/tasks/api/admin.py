"""`WorkAdminService`: the door for those who run the suite."""

from typing import Any

from services.chassis.errors import Invalid, Violation
from services.tasks.actions.administration import Administration
from services.tasks.actions.callback_administration import CallbackAdministration
from services.tasks.actions.roster import Roster
from services.tasks.messages import STATES, item_message, timestamp
from services.tasks.model import Lane
from services.tasks.model.callbacks import Callback, CallbackState
from vitascope.work.v1 import admin_pb2, admin_pb2_grpc, work_pb2

_STATES = {message: state for state, message in STATES.items()}
_CALLBACK_STATES = {
    CallbackState.WAITING: admin_pb2.CALLBACK_STATE_WAITING,
    CallbackState.DELIVERED: admin_pb2.CALLBACK_STATE_DELIVERED,
    CallbackState.GIVEN_UP: admin_pb2.CALLBACK_STATE_GIVEN_UP,
}
_ASKED = {message: state for state, message in _CALLBACK_STATES.items()}
_LANES = {Lane.SHORT: work_pb2.LANE_SHORT, Lane.LONG: work_pb2.LANE_LONG}


class WorkAdmin(admin_pb2_grpc.WorkAdminServiceServicer):
    """Serves the administration of the ledger."""

    def __init__(
        self, administration: Administration, roster: Roster, callbacks: CallbackAdministration
    ) -> None:
        self._administration = administration
        self._callbacks = callbacks
        self._roster = roster

    async def ListItems(
        self, request: admin_pb2.ListItemsRequest, context: Any
    ) -> admin_pb2.ListItemsResponse:
        """Return a page of items."""
        found, rest = await self._administration.newest(
            state=_STATES.get(request.state),
            account_id=request.account_id,
            kind=request.kind,
            before=_position(request.page_token),
            page_size=request.page_size,
            with_parts=request.with_parts,
        )
        token = "" if rest is None else str(rest)
        return admin_pb2.ListItemsResponse(items=map(item_message, found), next_page_token=token)

    async def GetItem(
        self, request: admin_pb2.GetItemRequest, context: Any
    ) -> admin_pb2.GetItemResponse:
        """Return all that is known of an item."""
        item = await self._administration.get(request.item_id)
        return admin_pb2.GetItemResponse(
            item=item_message(item),
            lane=_LANES[item.lane],
            priority=item.priority,
            worker_id=item.worker_id or "",
            lease_until=timestamp(item.lease_until),
            deadline_at=timestamp(item.deadline_at),
            run_at=timestamp(item.run_at),
            last_failure=item.last_failure,
            checkpoint_bytes=item.checkpoint_bytes,
            parts=map(item_message, await self._administration.parts_of(item.item_id)),
            whole_id=item.whole_id or "",
        )

    async def CancelItemsById(
        self, request: admin_pb2.CancelItemsByIdRequest, context: Any
    ) -> admin_pb2.CancelItemsByIdResponse:
        """Call items off."""
        found = await self._administration.cancel(request.item_ids)
        return admin_pb2.CancelItemsByIdResponse(items=map(item_message, found))

    async def RetryItems(
        self, request: admin_pb2.RetryItemsRequest, context: Any
    ) -> admin_pb2.RetryItemsResponse:
        """Queue items again that ended badly."""
        found = await self._administration.retry(request.item_ids)
        return admin_pb2.RetryItemsResponse(items=map(item_message, found))

    async def ListWorkers(
        self, request: admin_pb2.ListWorkersRequest, context: Any
    ) -> admin_pb2.ListWorkersResponse:
        """Return the connected workers."""
        there, held = await self._roster.all()
        return admin_pb2.ListWorkersResponse(
            workers=[
                admin_pb2.Worker(
                    worker_id=each.worker_id,
                    kinds=each.kinds,
                    slots=each.slots,
                    item_ids=held.get(each.worker_id, ()),
                    draining=each.draining,
                )
                for each in there
            ]
        )

    async def DrainWorkers(
        self, request: admin_pb2.DrainWorkersRequest, context: Any
    ) -> admin_pb2.DrainWorkersResponse:
        """Tell workers to take no more."""
        names = await self._roster.drain(request.worker_id)
        return admin_pb2.DrainWorkersResponse(worker_ids=names)

    async def ListCallbacks(
        self, request: admin_pb2.ListCallbacksRequest, context: Any
    ) -> admin_pb2.ListCallbacksResponse:
        """Return a page of callbacks."""
        found, rest = await self._callbacks.newest(
            state=_ASKED.get(request.state),
            account_id=request.account_id,
            key=request.key,
            before=_position(request.page_token),
            page_size=request.page_size,
        )
        token = "" if rest is None else str(rest)
        shown_callbacks = map(_callback_message, found)
        return admin_pb2.ListCallbacksResponse(callbacks=shown_callbacks, next_page_token=token)

    async def GetCallback(
        self, request: admin_pb2.GetCallbackRequest, context: Any
    ) -> admin_pb2.GetCallbackResponse:
        """Return a callback and what it says."""
        found = await self._callbacks.get(request.callback_id)
        return admin_pb2.GetCallbackResponse(callback=_callback_message(found), body=found.body)

    async def RetryCallbacks(
        self, request: admin_pb2.RetryCallbacksRequest, context: Any
    ) -> admin_pb2.RetryCallbacksResponse:
        """Try callbacks at once."""
        found = await self._callbacks.retry(request.callback_ids)
        return admin_pb2.RetryCallbacksResponse(callbacks=map(_callback_message, found))


def _callback_message(callback: Callback) -> admin_pb2.Callback:
    waits = callback.state is CallbackState.WAITING
    return admin_pb2.Callback(
        callback_id=callback.callback_id,
        key=callback.key,
        account_id=callback.account_id,
        url=callback.url,
        state=_CALLBACK_STATES[callback.state],
        attempts=callback.attempts,
        created_at=timestamp(callback.created_at),
        due_at=timestamp(callback.due_at) if waits else None,
        ended_at=timestamp(callback.ended_at),
        last_failure=callback.last_failure,
    )


def _position(token: str) -> int | None:
    if not token:
        return None
    # Positions are 64-bit integers on both engines.
    if not (token.isascii() and token.isdigit() and len(token) < 19):
        unknown = "is no token of an earlier page"
        raise Invalid(f"page_token {unknown}.", violations=[Violation("pageToken", unknown)])
    return int(token)
