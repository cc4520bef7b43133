"""Fetching as tests do it."""

from pathlib import Path

from services.chassis.outside import Policy
from services.media.fetch import Fetched
from services.media.fetch import fetch as fetch_with_progress

POLICY = Policy(max_bytes=100_000, max_seconds=10, allow_loopback=True)
STRICT = Policy(max_bytes=100_000, max_seconds=10)


async def fetch(url: str, target: Path, *, policy: Policy) -> Fetched:
    """Fetch without looking at the progress."""
    fetched = await fetch_with_progress(url, target, policy=policy, on_progress=lambda part: None)
    assert fetched is not None
    return fetched
