"""The tasks service: the ledger of work and the Tasks API."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from random import SystemRandom

import uvloop

from services.chassis import settings as chassis_settings
from services.chassis.auth import Authenticator, RemoteKeyring
from services.chassis.clients import Clients
from services.chassis.database import Database, now
from services.chassis.event_metrics import watch_outbox
from services.chassis.events import Outbox
from services.chassis.outside import Policy
from services.chassis.rounds import repeat
from services.chassis.server import Background, Registration, serve
from services.chassis.settings import Settings
from services.chassis.vault import Vault
from services.tasks.actions.administration import Administration
from services.tasks.actions.assignment import Assignment
from services.tasks.actions.callback_administration import CallbackAdministration
from services.tasks.actions.callback_secrets import CallbackSecrets
from services.tasks.actions.callbacks import Callbacks, SecretOf, outside_policy
from services.tasks.actions.checkpoints import Checkpoints
from services.tasks.actions.deadlines import Deadlines
from services.tasks.actions.gauging import Gauging
from services.tasks.actions.leases import Leases
from services.tasks.actions.live import Live
from services.tasks.actions.owing import Owing
from services.tasks.actions.queue import Queue
from services.tasks.actions.record import Recorder
from services.tasks.actions.replicas import Replicas
from services.tasks.actions.retention import Retention
from services.tasks.actions.roster import Roster
from services.tasks.actions.splits import Splits
from services.tasks.actions.tasks import Tasks
from services.tasks.actions.usage import Usage
from services.tasks.actions.writer import Writer
from services.tasks.api.admin import WorkAdmin
from services.tasks.api.callbacks import callback_body
from services.tasks.api.intake import StoredBytes
from services.tasks.api.ledger import Ledger
from services.tasks.api.tasks import TasksV1, TasksV2
from services.tasks.model import RECONNECT
from services.tasks.sealing import Sealer
from services.tasks.store.tables import metadata
from vitascope.media.v1.outputs_pb2_grpc import OutputsServiceStub
from vitascope.tasks.v1 import tasks_pb2_grpc as grpc_v1
from vitascope.tasks.v2 import tasks_pb2_grpc as grpc_v2
from vitascope.work.v1 import admin_pb2_grpc, work_pb2_grpc

ASSIGN_SECONDS = 1.0
SWEEP_SECONDS = 1.0
PROGRESS_SECONDS = 0.2
TEND_SECONDS = 0.2
REVIEW_SECONDS = 10.0
CHECKPOINT_SECONDS = 1.0
LOOK_SECONDS = 1.0
LOOK_ELSEWHERE_SECONDS = 5.0
ANNOUNCE_SECONDS = 5.0
RETENTION_SECONDS = 60.0
GAUGE_SECONDS = 10.0


async def main(settings: Settings) -> None:
    """Run the service until it is told to stop."""
    db = Database(settings.database_for("tasks"), metadata)
    await db.migrate("services.tasks.migrations")
    clients = Clients(settings, "tasks")
    outbox = Outbox(db, settings, "tasks")
    servicers, background, stop_waiting = wire(
        db,
        outbox,
        settings.public_url,
        timedelta(days=settings.work_retention_days),
        CallbackSecrets(clients).of,
        outside_policy(allow_loopback=settings.allow_loopback_sources),
        Usage(clients.stub(OutputsServiceStub)).stored_bytes,
        Vault(settings.encryption_key, "tasks"),
    )
    try:
        await serve(
            "tasks",
            settings.address_of("tasks"),
            servicers,
            Authenticator(RemoteKeyring(clients), settings.internal_key),
            settings=settings,
            background=[*background, outbox.relay, partial(watch_outbox, db)],
            on_stop=stop_waiting,
        )
    finally:
        await clients.close()
        await db.close()


def wire(
    db: Database,
    outbox: Outbox,
    public_url: str,
    kept: timedelta,
    secret_of: SecretOf,
    calls: Policy,
    stored_bytes: StoredBytes,
    vault: Vault,
) -> tuple[list[Registration], list[Background], Callable[[], None]]:
    """Return what the service serves, what runs beside it, and what ends all waiting for work.

    Ended work is `kept` so long; callbacks are signed with `secret_of` their account, and made as
    the policy for `calls` says.
    """
    live, sealer = Live(), Sealer(vault)
    replicas = Replicas(db, live)
    owing = Owing(partial(callback_body, public_url), sealer)
    callbacks = Callbacks(db, secret_of, sealer, calls, owing.owed, now, SystemRandom().random)
    recorder = Recorder(outbox, live, replicas, owing)
    assignment = Assignment(live)
    writer = Writer(db, recorder, assignment, now)
    leases = Leases(db, writer, assignment, live, SystemRandom().random)
    splits = Splits(db, writer, recorder, live, sealer)
    checkpoints = Checkpoints(db, sealer)
    roster = Roster(db, live, now)
    tasks = Tasks(db, writer, recorder, live, sealer)
    ledger = Ledger(Queue(db, writer, recorder), leases, splits, checkpoints, roster, sealer)
    owed = CallbackAdministration(db, sealer, owing.owed, now)
    admin = WorkAdmin(Administration(db, writer, live), roster, owed)
    servicers: list[Registration] = [
        (work_pb2_grpc.add_LedgerServiceServicer_to_server, ledger),
        (admin_pb2_grpc.add_WorkAdminServiceServicer_to_server, admin),
        (grpc_v1.add_TasksServiceServicer_to_server, TasksV1(tasks, stored_bytes, public_url)),
        (grpc_v2.add_TasksServiceServicer_to_server, TasksV2(tasks, stored_bytes, public_url)),
    ]
    background: list[Background] = [
        callbacks.run,
        partial(repeat, checkpoints.save, CHECKPOINT_SECONDS),
        partial(repeat, roster.look, LOOK_SECONDS),
        *_leasing(leases, splits, live),
        *_following(tasks, replicas, live),
        *_upkeep(db, writer, kept),
    ]
    return servicers, background, live.close


def _leasing(leases: Leases, splits: Splits, live: Live) -> list[Background]:
    return [
        partial(repeat, leases.assign, ASSIGN_SECONDS, wake=live.stirred),
        partial(repeat, leases.save_progress, PROGRESS_SECONDS),
        partial(repeat, splits.tend, TEND_SECONDS),
        partial(repeat, splits.review, REVIEW_SECONDS),
        # After a restart the workers come back first: their leases may have run out meanwhile.
        partial(repeat, leases.sweep, SWEEP_SECONDS, delay=RECONNECT.total_seconds()),
    ]


def _following(tasks: Tasks, replicas: Replicas, live: Live) -> list[Background]:
    return [
        partial(repeat, tasks.look, LOOK_ELSEWHERE_SECONDS),
        partial(repeat, tasks.catch_up, LOOK_ELSEWHERE_SECONDS, wake=live.feeds.doubted),
        partial(repeat, replicas.announce, ANNOUNCE_SECONDS, wake=replicas.to_announce),
        replicas.listen,
    ]


def _upkeep(db: Database, writer: Writer, kept: timedelta) -> list[Background]:
    return [
        partial(repeat, Deadlines(db, writer).sweep, SWEEP_SECONDS),
        partial(repeat, Retention(db, kept, now).sweep, RETENTION_SECONDS),
        partial(repeat, Gauging(db, now).measure, GAUGE_SECONDS),
    ]


if __name__ == "__main__":
    uvloop.run(main(chassis_settings.load()))
