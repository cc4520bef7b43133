"""Alembic's entry to the ledger's migrations."""

from services.chassis.database import run_migrations
from services.tasks.store.tables import metadata

run_migrations(metadata)
