"""What the headers of an answer say about its file."""

import email.message
import re
from dataclasses import dataclass

from services.chassis.outside import Answer

_FILE_NAME_LENGTH = 200
# The standard library's parser takes seconds for a header of nothing but semicolons.
_DISPOSITION_LENGTH = 2000
_PARAMETERS_LENGTH = 1000
_CHARSET = re.compile(r"(?:^|[;\s])charset\s*=\s*[\"']?([A-Za-z0-9_:.()-]{1,40})", re.IGNORECASE)


@dataclass(frozen=True)
class Headers:
    """The declared MIME type, the name for the file, and what HTTP caching goes by."""

    content_type: str | None
    # As declared beside the MIME type.
    charset: str | None
    # Who answered, in the end: other than what was asked where the server sent on.
    address: str
    file_name: str
    # Quoted, a weak one with its W/ in front.
    entity_tag: str | None
    last_modified: str | None
    # Whether a copy may outlive the answer.
    may_be_kept: bool

    @property
    def strong_tag(self) -> str | None:
        """The entity tag if it changes with every byte, as for taking up a broken download."""
        tag = self.entity_tag
        return tag if tag and tag.startswith('"') else None

    def conditions(self) -> dict[str, str]:
        """The headers that ask whether the file has changed since; none when it cannot be asked."""
        conditions = {"if-none-match": self.entity_tag, "if-modified-since": self.last_modified}
        return {name: value for name, value in conditions.items() if value}


def read_headers(answer: Answer) -> Headers:
    """Read what matters of an answer's headers."""
    headers = answer.headers
    directives = headers.get("cache-control", "").lower().split(",")
    declared, _, parameters = headers.get("content-type", "").partition(";")
    charset = _CHARSET.search(parameters[:_PARAMETERS_LENGTH])
    return Headers(
        content_type=declared.strip().lower() or None,
        charset=charset[1].lower() if charset else None,
        address=str(answer.url),
        file_name=_file_name(headers.get("content-disposition", ""), answer.url.path),
        entity_tag=_entity_tag(headers.get("etag", "")),
        last_modified=_date(headers.get("last-modified", "")),
        may_be_kept="no-store" not in [directive.strip() for directive in directives],
    )


def _entity_tag(value: str) -> str | None:
    """A well-formed entity tag (RFC 9110, 8.8.3): it is said again in later requests."""
    return value if re.fullmatch(r'(W/)?"[\x21\x23-\x7e]{0,250}"', value) else None


def _date(value: str) -> str | None:
    """An HTTP date as it is written: a server compares it, if it is to, letter by letter."""
    return value if re.fullmatch(r"[A-Za-z0-9 ,:-]{1,40}", value) else None


def _file_name(disposition: str, path: str) -> str:
    """The name that the server gives the file, else the last part of its address."""
    headers = email.message.Message()
    headers["content-disposition"] = disposition[:_DISPOSITION_LENGTH]
    name = headers.get_filename() or path
    name = re.sub(r"[\x00-\x1f\x7f]", "", name.replace("\\", "/")).rstrip("/")
    return name.rpartition("/")[2][-_FILE_NAME_LENGTH:]
