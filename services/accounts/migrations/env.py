"""Alembic's entry: applies the versions beside it."""

from services.accounts.store.tables import metadata
from services.chassis.database import run_migrations

run_migrations(metadata)
