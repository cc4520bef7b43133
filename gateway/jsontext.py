"""Strict JSON text: UTF-8, no duplicate keys, no NaN, finite numbers, bounded nesting."""

import json
import math
from typing import Any, NoReturn

# A level of JSON inside a Struct costs three levels of protobuf, and protobuf parsers stop at 100.
MAX_DEPTH = 32


class BadJson(ValueError):
    """The bytes are no JSON that is taken; the message says why."""


def parse(body: bytes) -> Any:
    """Return the JSON value in `body`. Raises BadJson."""
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError:
        raise BadJson("The body is not UTF-8") from None
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise BadJson(f"The body is not JSON: {error.msg} at {where}") from None
    except ValueError as error:
        # The interpreter refuses to read integers of thousands of digits.
        raise error if isinstance(error, BadJson) else BadJson("A number is too long") from None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise _too_deep()
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadJson(f"The key {twice!r} is given twice")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise BadJson(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise BadJson("A number is too large")
    return number


def _too_deep() -> BadJson:
    return BadJson(f"The body is nested deeper than {MAX_DEPTH} levels")


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        containers = [each for each in level if isinstance(each, dict | list)]
        depth += bool(containers)
        level = [
            inner
            for each in containers
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return depth
