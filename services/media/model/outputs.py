"""The outputs of tasks as their account sees them: paths, lifetimes, and which ones to delete."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from urllib.parse import unquote, urlsplit

from services.chassis.errors import Invalid, Violation
from services.media.model.files import OutputAddress, StoredFile, is_path_part

MOST_CACHED = timedelta(days=7)
"""How long others may keep a copy of an output at most."""

_STORAGE = re.compile(r"/storage/+(.*)")


@dataclass(frozen=True)
class Usage:
    """What an account stores, in bytes."""

    media_bytes: int = 0
    output_bytes: int = 0

    @property
    def stored_bytes(self) -> int:
        """What counts against the account's limit."""
        return self.media_bytes + self.output_bytes


@dataclass(frozen=True)
class KeptOutput:
    """A visible output; `ends_at` is when it ends, None for never."""

    address: OutputAddress
    file: StoredFile
    ends_at: datetime | None

    @property
    def path(self) -> str:
        """Its path, relative to the account's root."""
        return f"{self.address.item_id}/{self.address.file_name}"

    def cached_for(self, at: datetime) -> timedelta:
        """How long a copy that is made then may be kept: not beyond the end."""
        return MOST_CACHED if self.ends_at is None else min(MOST_CACHED, self.ends_at - at)


@dataclass(frozen=True)
class Spot:
    """What a path names: the root, an item's directory, or, with a name, perhaps a file."""

    item_id: str | None = None
    file_name: str | None = None

    @classmethod
    def parse(cls, path: str) -> Self | None:
        """Read a path relative to an account's root; None for one that can never name anything."""
        parts = [part for part in path.split("/") if part]
        if len(parts) > 2 or not all(map(is_path_part, parts)):
            return None
        return cls(*parts)


@dataclass(frozen=True)
class Selection:
    """Which of an account's outputs: those at a spot that were made in a time.

    `since` and `until` count themselves, `before` does not.
    """

    spot: Spot = Spot()
    since: datetime | None = None
    until: datetime | None = None
    before: datetime | None = None


def listed_time(moment: datetime) -> str:
    """Return ISO 8601 with milliseconds, UTC: `2013-10-28T20:22:21.000Z`."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def whole_milliseconds(moment: datetime) -> datetime:
    """Cut off what `listed_time` does not tell, so that the time which is told is the file's."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def parse_times(texts: Mapping[str, str]) -> dict[str, datetime | None]:
    """Read ISO 8601 times, UTC where they have no time zone, None for an empty text.

    Raises Invalid that names all that cannot be read.
    """
    times, violations = {}, []
    for name, text in texts.items():
        try:
            times[name] = _time(text) if text else None
        except (ValueError, OverflowError):
            what = "must be a date and time in ISO 8601, for example 2013-10-28T20:22:21Z"
            violations.append(Violation(name, f"{name} {what}"))
    if violations:
        raise Invalid(violations[0].description, violations=violations)
    return times


def addresses_of(urls: Sequence[object], account_id: str) -> list[OutputAddress]:
    """The addresses of an account's outputs among absolute URLs, each once, in order.

    Scheme and host do not count: a server may be reached by several names. Raises Invalid that
    names all that are no absolute URLs.
    """
    found, violations = dict[OutputAddress, None](), []
    for index, url in enumerate(urls):
        path = _absolute_path(url)
        if path is None:
            what = f"urls[{index}] must be an absolute URL"
            violations.append(Violation(f"urls[{index}]", what))
        elif (address := _address(path, account_id)) is not None:
            found[address] = None
    if violations:
        raise Invalid(violations[0].description, violations=violations)
    return list(found)


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _absolute_path(url: object) -> str | None:
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    return parts.path if parts.scheme.lower() in ("http", "https") and parts.netloc else None


def _address(path: str, account_id: str) -> OutputAddress | None:
    match = _STORAGE.search(path)
    parts = [unquote(part) for part in match[1].split("/") if part] if match else []
    if len(parts) != 3 or parts[0] != account_id or not all(map(is_path_part, parts)):
        return None
    return OutputAddress(*parts)
