"""What is shown of the credentials in a definition."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from services.tasks.parameters import Form

MASK = "***"
# What we do not know we cannot tell for sure: a misspelt parameter holds what the right one would.
_SUSPICIOUS = re.compile(r"secret|token|passw|credential|signature|auth|key$", re.IGNORECASE)


def masked(given: Mapping[str, Any], form: Form | None) -> dict[str, Any]:
    """Return parameters without credentials: those that their form calls confidential, those
    that it does not know and that sound like it, and passwords within URLs.

    Of a confidential URL its host stays.
    """
    known = form.parameters if form else {}
    shown = {}
    for name, value in given.items():
        if name in known:
            confidential = known[name].rules.confidential
            shown[name] = _hidden(value) if confidential else _without_passwords(value)
        else:
            shown[name] = _guessed(name, value)
    return shown


def _guessed(name: str, value: Any) -> Any:
    if _SUSPICIOUS.search(name):
        return _hidden(value)
    match value:
        case dict():
            return {inner: _guessed(inner, each) for inner, each in value.items()}
        case list():
            return [_guessed(name, each) for each in value]
        case _:
            return _without_passwords(value)


def _hidden(value: Any) -> Any:
    match value:
        case None | True | False | "":
            return value
        case str() if value.startswith(("http://", "https://")):
            return _host_only(value)
        case _:
            return MASK


def _host_only(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return MASK
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/{MASK}"


def _without_passwords(value: Any) -> Any:
    match value:
        case dict():
            return {name: _without_passwords(each) for name, each in value.items()}
        case list():
            return [_without_passwords(each) for each in value]
        case str() if "://" in value and "@" in value:
            return _without_password(value)
        case _:
            return value


def _without_password(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return MASK
    _, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{MASK}@{host}")) if at else url
