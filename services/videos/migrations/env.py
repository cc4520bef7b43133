"""Alembic's entry: applies the versions beside it."""

from services.chassis.database import run_migrations
from services.videos.store import metadata

run_migrations(metadata)
