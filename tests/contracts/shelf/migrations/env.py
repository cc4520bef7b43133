"""Alembic's entry."""

from services.chassis.database import run_migrations
from tests.contracts.shelf.store import metadata

run_migrations(metadata)
