"""`LedgerService`: the door for owners of work and for workers."""

import asyncio
from asyncio import Future
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from services.chassis.auth import identity
from services.chassis.bundles import bundled, unbundled
from services.chassis.errors import Conflict, Forbidden, Invalid, Unavailable
from services.tasks.actions.checkpoints import Checkpoints
from services.tasks.actions.leases import Leases
from services.tasks.actions.live import (
    Accepted,
    Assigned,
    Cancelled,
    Drained,
    Lost,
    Order,
    Session,
)
from services.tasks.actions.queue import Queue
from services.tasks.actions.roster import Roster
from services.tasks.actions.splits import Splits
from services.tasks.messages import item_message
from services.tasks.model import Item, Lane, Lease, Part, Submission
from services.tasks.sealing import Sealer, Unreadable
from vitascope.media.v1 import internal_pb2
from vitascope.work.v1 import work_pb2, work_pb2_grpc

UNREADABLE = "The server's encryption key was changed: create it again."


class Ledger(work_pb2_grpc.LedgerServiceServicer):
    """Serves the ledger."""

    def __init__(
        self,
        queue: Queue,
        leases: Leases,
        splits: Splits,
        checkpoints: Checkpoints,
        roster: Roster,
        sealer: Sealer,
    ) -> None:
        self._queue = queue
        self._leases = leases
        self._splits = splits
        self._checkpoints = checkpoints
        self._roster = roster
        self._sealer = sealer

    async def Submit(
        self, request: work_pb2.SubmitRequest, context: Any
    ) -> work_pb2.SubmitResponse:
        """Queue work."""
        for each in request.submissions:
            _check_owner(each.owner)
        items = await self._queue.submit([_submission(each) for each in request.submissions])
        return work_pb2.SubmitResponse(items=map(item_message, items))

    async def GetItems(
        self, request: work_pb2.GetItemsRequest, context: Any
    ) -> work_pb2.GetItemsResponse:
        """Return an owner's items."""
        _check_owner(request.owner)
        items = await self._queue.get(request.owner, request.request_ids)
        return work_pb2.GetItemsResponse(items=map(item_message, items))

    async def CancelItems(
        self, request: work_pb2.CancelItemsRequest, context: Any
    ) -> work_pb2.CancelItemsResponse:
        """Call an owner's items off."""
        _check_owner(request.owner)
        items = await self._queue.cancel(request.owner, request.request_ids)
        return work_pb2.CancelItemsResponse(items=map(item_message, items))

    async def FindItems(
        self, request: work_pb2.FindItemsRequest, context: Any
    ) -> work_pb2.FindItemsResponse:
        """Return items by their ids."""
        items = await self._queue.find(request.item_ids)
        return work_pb2.FindItemsResponse(items=map(item_message, items))

    async def SaveCheckpoint(
        self, request: work_pb2.SaveCheckpointRequest, context: Any
    ) -> work_pb2.SaveCheckpointResponse:
        """Store how far an attempt got."""
        said = request.checkpoint
        await self._checkpoints.save_at_once(_lease(said.lease), said.state)
        return work_pb2.SaveCheckpointResponse()

    async def Work(
        self, request_iterator: AsyncIterator[work_pb2.WorkRequest], context: Any
    ) -> AsyncIterator[work_pb2.WorkResponse]:
        """Talk with a worker until either side ends the stream."""
        session = await _greeted(request_iterator)
        await self._roster.enter(session)
        await self._leases.enter(session)
        listener = asyncio.create_task(self._listen(session, request_iterator))
        listener.add_done_callback(lambda _: session.close())
        try:
            async for orders in session.orders():
                for response in bundled(await self._responses(session, orders)):
                    yield response
            if session.superseded:
                raise Conflict(f"Another stream has the name {session.worker_id} now.")
            # Raises what the listener met: the worker has to come back and say it again.
            await listener
        finally:
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)
            await self._leases.leave(session)
            # Without a database its replica forgets the worker later.
            with suppress(Unavailable):
                await self._roster.leave(session)

    async def _listen(
        self, session: Session, requests: AsyncIterator[work_pb2.WorkRequest]
    ) -> None:
        # While what was said is stored, the worker says more: it is stored together.
        storing: set[Future[None]] = set()
        async for request in _apart(requests):
            if session.superseded:
                return
            match request.WhichOneof("message"):
                case "heartbeat":
                    leases = frozenset(map(_lease, request.heartbeat.leases))
                    _keep(self._leases.renew(session, leases), storing, session)
                case "progress":
                    self._progress(session, request.progress)
                case "finished":
                    _keep(await self._finish(session, request.finished), storing, session)
                case "checkpoint":
                    saved = request.checkpoint
                    self._checkpoints.note(session, _lease(saved.lease), saved.state)
                case "drain":
                    session.draining = True
                case _:
                    raise Invalid("A worker says hello once, and then only what the contract has.")
        await asyncio.gather(*storing, return_exceptions=True)

    async def _responses(
        self, session: Session, orders: Sequence[Order]
    ) -> list[work_pb2.WorkResponse]:
        responses = []
        for order in orders:
            try:
                responses.append(await self._response(order))
            except Unreadable:
                # Nobody can ever do it: the worker does not get it at all.
                if isinstance(order, Assigned):
                    await self._leases.fail(session, order.item.lease, UNREADABLE, retryable=False)
        return responses

    async def _response(self, order: Order) -> work_pb2.WorkResponse:
        match order:
            case Assigned(item):
                assignment = _assignment(self._sealer.opened(item), self._leases.duration)
                assignment.checkpoint = await self._checkpoints.of(item)
                for kind, result in await self._splits.results_of(item):
                    assignment.parts.add(kind=kind, result=result)
                return work_pb2.WorkResponse(assignment=assignment)
            case Cancelled(lease):
                return work_pb2.WorkResponse(cancel=work_pb2.Cancel(lease=_lease_message(lease)))
            case Lost(lease):
                lost = work_pb2.LeaseLost(lease=_lease_message(lease))
                return work_pb2.WorkResponse(lease_lost=lost)
            case Accepted(lease):
                accepted = work_pb2.Accepted(lease=_lease_message(lease))
                return work_pb2.WorkResponse(accepted=accepted)
            case Drained():
                return work_pb2.WorkResponse(drain=work_pb2.Drain())

    def _progress(self, session: Session, said: work_pb2.Progress) -> None:
        eta = said.eta_seconds if said.HasField("eta_seconds") else None
        known = said.partial_result if said.HasField("partial_result") else None
        self._leases.progress(session, _lease(said.lease), said.percent, eta, known)

    async def _finish(self, session: Session, said: work_pb2.Finished) -> Future[None]:
        lease = _lease(said.lease)
        if said.WhichOneof("outcome") == "success":
            return self._leases.succeed(session, lease, said.success.result)
        if said.WhichOneof("outcome") == "split":
            asked = [Part(each.kind, each.spec, each.weight) for each in said.split.parts]
            place = internal_pb2.PartDestination(item_id=lease.item_id)
            destination = internal_pb2.Destination(part=place).SerializeToString()
            return self._splits.split(session, lease, asked, destination)
        message = said.failure.message or "The worker gave no reason."
        # What it saved last is for the next attempt, and can be stored only while this one is.
        await self._checkpoints.save()
        return self._leases.fail(
            session, lease, message, said.failure.retryable, said.failure.retry_after_seconds
        )


def _keep(stored: Future[None], storing: set[Future[None]], session: Session) -> None:
    """Have a failure to store what a worker said end its stream: it comes and says it again."""

    def done(_: Future[None]) -> None:
        storing.discard(stored)
        if not stored.cancelled() and (error := stored.exception()):
            session.close(error)

    storing.add(stored)
    stored.add_done_callback(done)


def _check_owner(owner: str) -> None:
    caller = identity().service
    if owner != caller:
        raise Forbidden(f"{caller} cannot speak for {owner}.")


async def _apart(
    requests: AsyncIterator[work_pb2.WorkRequest],
) -> AsyncIterator[work_pb2.WorkRequest]:
    async for request in requests:
        for each in unbundled(request):
            yield each


async def _greeted(requests: AsyncIterator[work_pb2.WorkRequest]) -> Session:
    request = await anext(aiter(requests), work_pb2.WorkRequest())
    hello = request.hello
    if request.WhichOneof("message") != "hello" or not hello.worker_id or hello.slots < 1:
        raise Invalid("A worker's first message is hello, with its name and at least one slot.")
    return Session(
        hello.worker_id, frozenset(hello.kinds), hello.slots, deadlines=dict(hello.deadline_seconds)
    )


def _submission(message: work_pb2.Submission) -> Submission:
    return Submission(
        owner=message.owner,
        account_id=message.account_id,
        request_id=message.request_id,
        kind=message.kind,
        spec=message.spec,
        destination=message.destination.SerializeToString(),
        priority=message.priority,
        # Work of unknown length must not stand in the way of short work.
        lane=Lane.SHORT if message.lane == work_pb2.LANE_SHORT else Lane.LONG,
    )


def _lease(message: work_pb2.Lease) -> Lease:
    return Lease(message.item_id, message.attempt)


def _lease_message(lease: Lease) -> work_pb2.Lease:
    return work_pb2.Lease(item_id=lease.item_id, attempt=lease.attempt)


def _assignment(item: Item, duration: timedelta) -> work_pb2.Assignment:
    return work_pb2.Assignment(
        lease=_lease_message(item.lease),
        kind=item.kind,
        spec=item.spec,
        account_id=item.account_id,
        destination=internal_pb2.Destination.FromString(item.destination),
        lease_seconds=duration.total_seconds(),
    )
