"""One attempt at an item of work, from sources to committed outputs."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import structlog
from google.protobuf.message import DecodeError, Message

from services.chassis import telemetry
from services.chassis.errors import Invalid, NotFound, VitascopeError
from services.chassis.outside import OutsideError, OutsideFailed
from services.media import operations, sandbox
from services.media.operations import BadMedia, Operation, Output, Source, SourceFile
from services.media.worker.leases import End
from services.media.worker.outputs import fill_addresses
from services.media.worker.parts import (
    checked_parts,
    kept_for_parts,
    kept_source,
    partial_for,
    with_kept,
)
from services.media.worker.scratch import made, removed
from services.media.worker.sources import Sources, made_by_parts
from services.media.worker.stores import Stores, earlier_delivery, is_outside
from vitascope.work.v1.work_pb2 import Assignment, Failure, Split, Success

# Of an item's progress, what reading its sources from their addresses is.
_FETCH_PERCENT = 10.0
# And what sending the file to somebody else's server is.
_SEND_PERCENT = 20.0
# Fetching has its own limit; this is for a storage or a network that hangs.
_SECONDS_TO_BRING_AND_PUBLISH = 2 * 3600.0

log = structlog.stdlib.get_logger(__name__)


class Attempts:
    """Does what the ledger assigns. `folder` is for temporary files of this worker alone."""

    def __init__(
        self, folder: Path, sources: Sources, jail: sandbox.Sandbox, stores: Stores
    ) -> None:
        self._folder = folder
        self._sources = sources
        self._sandbox = jail
        self._stores = stores

    async def make(self, assignment: Assignment, ears: sandbox.Ears) -> End:
        """Try it. Leaves no file and no process behind, also when it is cancelled."""
        telemetry.set_request_id(assignment.lease.item_id)
        scratch = self._folder / f"{assignment.lease.item_id}-{assignment.lease.attempt}"
        try:
            return await self._make(assignment, scratch, ears)
        except BadMedia as error:
            return Failure(message=str(error))
        except OutsideError as error:
            return _not_reached(error)
        except VitascopeError as error:
            hopeless = isinstance(error, Invalid | NotFound)
            return Failure(message=error.message, retryable=not hopeless)
        except Exception:
            log.exception("an attempt failed", kind=assignment.kind)
            return Failure(message="the worker had a problem of its own", retryable=True)
        finally:
            if scratch.exists():
                await removed(scratch)

    async def _make(self, assignment: Assignment, scratch: Path, ears: sandbox.Ears) -> End:
        operation = operations.operation(assignment.kind)
        seconds = deadline_seconds(operation)
        try:
            async with asyncio.timeout(seconds) as deadline:
                return await self._do(operation, assignment, scratch, ears)
        except TimeoutError:
            if not deadline.expired():
                raise
            return Failure(message=f"took longer than {seconds:g} seconds in all", retryable=True)

    async def _do(
        self, operation: Operation, assignment: Assignment, scratch: Path, ears: sandbox.Ears
    ) -> End:
        made_at = 100.0 - (_SEND_PERCENT if is_outside(assignment) else 0.0)

        def sent(part: float) -> None:
            ears.progress(_after(made_at, part * 100))

        if (delivery := earlier_delivery(assignment)) is not None:
            result = _parsed(operation.result_type, delivery.result, "saved no usable result")
            addresses = await self._stores.go_on(assignment, delivery, scratch / "sent", sent)
        else:
            spec = _parsed(operation.spec_type, assignment.spec, "what is asked for cannot be read")
            heard = _before_delivery(made_at, ears) if is_outside(assignment) else ears
            outcome = await self._run(operation, assignment, spec, scratch, heard)
            if not isinstance(outcome, sandbox.Success):
                return outcome
            result = _parsed(operation.result_type, outcome.result, "ended without a usable result")
            addresses = {
                **await self._stores.publish(assignment, spec, result, outcome.outputs, sent),
                **kept_source(spec),
            }
        fill_addresses(result, addresses)
        return Success(result=result.SerializeToString())

    async def _run(
        self,
        operation: Operation,
        assignment: Assignment,
        spec: Message,
        scratch: Path,
        ears: sandbox.Ears,
    ) -> sandbox.Success | Failure | Split:
        """Bring the sources and run the operation, in the sandbox."""
        wanted = operation.sources(spec)
        brought = with_kept(wanted, list(made_by_parts(assignment.parts)))
        far = any(source.url is not None and source.part_key is None for source in brought)
        begun = _FETCH_PERCENT if far else 0.0
        order = sandbox.Order(
            account=assignment.account_id,
            kind=assignment.kind,
            spec=assignment.spec,
            sources=await self._bring(
                assignment,
                brought,
                scratch / "sources",
                lambda part: ears.progress(part * begun),
            ),
            limits=operation.limits,
            state=assignment.checkpoint,
            parts=[(part.kind, part.result) for part in assignment.parts],
        )
        rest = replace(
            ears,
            progress=lambda percent: ears.progress(_after(begun, percent)),
            partial=partial_for(operation, ears.partial),
        )
        outcome = await self._sandbox.run(order, scratch / "made", rest)
        if isinstance(outcome, sandbox.Failure):
            return Failure(message=outcome.message, retryable=outcome.retryable)
        if isinstance(outcome, sandbox.Split):
            split = checked_parts(operation, wanted, outcome)
            return await self._kept_for(split, assignment, wanted, order.sources)
        return outcome

    async def _kept_for(
        self,
        split: Split,
        assignment: Assignment,
        wanted: list[Source],
        files: Mapping[str, SourceFile],
    ) -> Split:
        """Keep for the parts what came from an address: that may end, or give another file.

        Raises VitascopeError.
        """
        if len(wanted) != 1 or wanted[0].url is None:
            return split
        file = files[wanted[0].name]
        kind = file.content_type or "application/octet-stream"
        output = Output("source", file.path, kind, file.file_name)
        return kept_for_parts(split, await self._stores.keep(assignment, output))

    async def _bring(
        self,
        assignment: Assignment,
        wanted: list[Source],
        folder: Path,
        on_progress: Callable[[float], None],
    ) -> Mapping[str, SourceFile]:
        if not wanted:
            return {}
        made(folder)
        return await self._sources.bring(assignment.account_id, wanted, folder, on_progress)


def _parsed(kind: type[Message], data: bytes, otherwise: str) -> Message:
    """Parse a message. Raises BadMedia with the words of `otherwise`."""
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise BadMedia(otherwise) from error


def _not_reached(error: OutsideError) -> Failure:
    if isinstance(error, OutsideFailed):
        wait = error.retry_after or 0.0
        return Failure(message=str(error), retryable=True, retry_after_seconds=wait)
    return Failure(message=str(error))


def deadline_seconds(operation: Operation) -> float:
    """How long an attempt at an operation may take, sources and outputs included."""
    return operation.limits.wall_seconds + _SECONDS_TO_BRING_AND_PUBLISH


def _after(begun: float, percent: float) -> float:
    """A percentage of the rest as one of the whole."""
    return begun + percent * (100 - begun) / 100


def _before_delivery(made_at: float, ears: sandbox.Ears) -> sandbox.Ears:
    """Ears for a run whose file then goes outside: at 100 of its percent it is at `made_at`.

    Its states are not saved, so that none can take the place of the delivery's.
    """
    return replace(
        ears,
        progress=lambda percent: ears.progress(percent * made_at / 100),
        checkpoint=lambda state: None,
    )
