"""Whether a request still wants what it asks for: its preconditions (RFC 9110, 13)."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from services.chassis.errors import WrongState

_ENTITY_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
# RFC 9110, 5.6.7: the one that is written now, and the two that must still be read.
_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")
_LONGEST_DATE = 40


class PreconditionFailed(WrongState):
    """The file is another one than the client wants."""

    reason = "PreconditionFailedException"

    def __init__(self) -> None:
        super().__init__(
            "The file is not the one that If-Match or If-Unmodified-Since names.",
            metadata={"http-status": "412"},
        )


@dataclass(frozen=True)
class Validators:
    """What tells a file from what was, or will be, in its place: a strong ETag and its time."""

    etag: str
    modified: datetime

    @classmethod
    def of(cls, sha256: str, stored_at: datetime) -> "Validators":
        """The validators of a file; as in HTTP, times have whole seconds."""
        return cls(f'"{sha256}"', stored_at.astimezone(UTC).replace(microsecond=0))


@dataclass(frozen=True)
class Conditions:
    """The headers that a request may set conditions with, empty where it does not."""

    if_match: str = ""
    if_unmodified_since: str = ""
    if_none_match: str = ""
    if_modified_since: str = ""
    if_range: str = ""

    def is_unchanged(self, file: Validators) -> bool:
        """Whether the client has the file already; raises PreconditionFailed.

        In the order of RFC 9110, 13.2.2: a date does not count beside ETags, nor does one that is
        none.
        """
        if self.if_match:
            if not _names(self.if_match, file.etag, kinds=("",)):
                raise PreconditionFailed
        elif (date := parse_date(self.if_unmodified_since)) and file.modified > date:
            raise PreconditionFailed
        if self.if_none_match:
            return _names(self.if_none_match, file.etag, kinds=("", "W/"))
        since = parse_date(self.if_modified_since)
        return since is not None and file.modified <= since

    def range_counts(self, file: Validators) -> bool:
        """Whether a Range counts: no If-Range, or one that names this very file.

        A date has to be the file's own. It is as good as an ETag here: nothing takes a file's
        place within the second in which the file was stored.
        """
        if not self.if_range:
            return True
        return ("", file.etag) in _tags(self.if_range) or parse_date(self.if_range) == file.modified


def parse_date(text: str) -> datetime | None:
    """The time of an HTTP date in any of its three forms; None for what is no date."""
    text = text.strip()
    if not text.isascii() or len(text) > _LONGEST_DATE:
        return None
    for form in _DATES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _names(header: str, etag: str, kinds: Collection[str]) -> bool:
    return header.strip() == "*" or any(
        tag == etag and kind in kinds for kind, tag in _tags(header)
    )


def _tags(header: str) -> list[tuple[str, str]]:
    return _ENTITY_TAG.findall(header)
