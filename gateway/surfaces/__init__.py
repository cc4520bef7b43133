"""The documented REST surfaces and which path belongs to which."""

from collections.abc import Sequence

from gateway.surface import Surface
from gateway.surfaces.tasks import TASKS
from gateway.surfaces.video import VIDEO

_TASKS_PREFIXES = frozenset({"v1", "v2", "storage"})


def surface_of(segments: Sequence[str]) -> Surface:
    """Return the surface that a path belongs to, be there a route or not."""
    return TASKS if segments and segments[0] in _TASKS_PREFIXES else VIDEO
