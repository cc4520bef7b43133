"""One attempt at an item of work, from sources to committed outputs."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import structlog
from google.protobuf.message import DecodeError

from services.chassis import telemetry
from services.chassis.errors import Invalid, NotFound, VitascopeError
from services.media import operations, sandbox
from services.media.fetch import FetchError, FetchFailed
from services.media.operations import BadMedia
from services.media.worker.outputs import Outputs, fill_addresses
from services.media.worker.sources import Sources
from vitascope.work.v1.work_pb2 import Assignment, Failure, Success

# Of an item's progress, what reading its sources from their addresses is.
_FETCH_PERCENT = 10.0

log = structlog.stdlib.get_logger(__name__)


class Attempts:
    """Does what the ledger assigns. `folder` is for temporary files of this worker alone."""

    def __init__(
        self, folder: Path, sources: Sources, jail: sandbox.Sandbox, outputs: Outputs
    ) -> None:
        self._folder = folder
        self._sources = sources
        self._sandbox = jail
        self._outputs = outputs

    async def make(
        self, assignment: Assignment, on_progress: Callable[[float], None]
    ) -> Success | Failure:
        """Try it. Leaves no file and no process behind, also when it is cancelled."""
        telemetry.set_request_id(assignment.lease.item_id)
        scratch = self._folder / f"{assignment.lease.item_id}-{assignment.lease.attempt}"
        try:
            return await self._make(assignment, scratch, on_progress)
        except (BadMedia, DecodeError) as error:
            return Failure(message=str(error))
        except FetchError as error:
            return Failure(message=str(error), retryable=isinstance(error, FetchFailed))
        except VitascopeError as error:
            hopeless = isinstance(error, Invalid | NotFound)
            return Failure(message=error.message, retryable=not hopeless)
        except Exception:
            log.exception("an attempt failed", kind=assignment.kind)
            return Failure(message="the worker had a problem of its own", retryable=True)
        finally:
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)

    async def _make(
        self, assignment: Assignment, scratch: Path, on_progress: Callable[[float], None]
    ) -> Success | Failure:
        operation = operations.operation(assignment.kind)
        spec = operation.spec_type.FromString(assignment.spec)
        fetched, own = scratch / "sources", scratch / "own"
        for folder in (fetched, own):
            await asyncio.to_thread(folder.mkdir, parents=True)
        wanted = operation.sources(spec)
        begun = _FETCH_PERCENT if any(source.url is not None for source in wanted) else 0.0
        sources = await self._sources.bring(
            assignment.account_id, wanted, fetched, lambda part: on_progress(part * begun)
        )
        outcome = await self._sandbox.run(
            assignment.kind,
            assignment.spec,
            sources,
            own,
            operation.limits,
            lambda percent: on_progress(begun + percent * (100 - begun) / 100),
        )
        if isinstance(outcome, sandbox.Failure):
            return Failure(message=outcome.message, retryable=outcome.retryable)
        result = operation.result_type.FromString(outcome.result)
        if outcome.outputs:
            fill_addresses(result, await self._outputs.publish(assignment, spec, outcome.outputs))
        return Success(result=result.SerializeToString())
