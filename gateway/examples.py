"""What the two documents show as examples, by operation (`POST /v2/create`)."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any


@cache
def _all() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text())
    return found


def example_of(operation: str) -> Mapping[str, Any]:
    """Return the `request`, `response` and `parameters` of an operation, as far as there are."""
    found: Mapping[str, Any] = _all()["operations"].get(operation, {})
    return found


def error_example(surface: str, status: int) -> Mapping[str, Any] | None:
    """Return an error body of a surface with this HTTP status, if there is one."""
    found: Mapping[str, Any] | None = _all()["errors"].get(surface, {}).get(str(status))
    return found
