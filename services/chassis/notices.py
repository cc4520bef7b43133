"""Short notices between the processes on one database; for `database.py` only.

PostgreSQL sends what a transaction notified when it commits, and forgets it at once: a notice
makes somebody look who would have looked later anyway.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

NOTICE_BYTES = 7900
"""The longest payload; PostgreSQL takes less than 8000 bytes."""

NOTIFY = text("SELECT pg_notify(:channel, :payload)")


async def hear(connection: AsyncConnection, channel: str, callback: Callable[[str], None]) -> None:
    """Pass on what PostgreSQL sends on a channel, until the connection is lost."""
    raw: Any = (await connection.get_raw_connection()).driver_connection
    lost = asyncio.Event()
    raw.add_termination_listener(lambda _: lost.set())
    try:
        await raw.add_listener(channel, lambda *heard: callback(heard[-1]))
        await lost.wait()
    finally:
        # The pool must not hand out a connection that listens.
        await connection.invalidate()
