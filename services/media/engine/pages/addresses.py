"""Absolute addresses as browsers make them: https://url.spec.whatwg.org/."""

import re
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

_LONGEST = 2048
_SPACES = "".join(map(chr, range(0x21)))
_TO_DROP = re.compile(r"[\t\r\n]")
_NO_HOST = re.compile(r"#|[/\\\\]{2}$")
_HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")
# What browsers leave as it is, and what is escaped already.
_IN_PATH = "%/:;=@!$&'()*+,~[]|\\"
_IN_QUERY = "%/:;=@!$&()*+,~[]|\\?`{}^"


def absolute(base: str, reference: str) -> str | None:
    """The http(s) address that a reference stands for, without its fragment; None if for none."""
    if len(reference) > 2 * _LONGEST:
        return None
    reference = _TO_DROP.sub("", reference.strip(_SPACES))
    if not reference or _NO_HOST.match(reference):
        return None
    before, mark, query = reference.partition("?")
    try:
        return _written(urljoin(base, before.replace("\\", "/") + mark + query))
    except ValueError:
        # No port, no host name, a bracket too many.
        return None


def _written(address: str) -> str | None:
    """Raises ValueError."""
    parts = urlsplit(address)
    host = (parts.hostname or "").encode("idna").decode() if parts.hostname else ""
    host = f"[{host}]" if ":" in host else host.lower()
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host):
        return None
    user, at, _ = parts.netloc.rpartition("@")
    port = "" if parts.port is None else f":{parts.port}"
    netloc = quote(user, safe="%:!$&'()*+,;=~", errors="replace") + at + host + port
    path = quote(parts.path or "/", safe=_IN_PATH, errors="replace")
    query = quote(parts.query, safe=_IN_QUERY, errors="replace")
    written = urlunsplit((parts.scheme, netloc, path, query, ""))
    return written if len(written) <= _LONGEST else None
