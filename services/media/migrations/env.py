"""Alembic's entry: applies the versions that lie beside this file."""

from services.chassis.database import run_migrations
from services.media.store.tables import metadata

run_migrations(metadata)
