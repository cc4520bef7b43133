"""What a service says to HTTP: metadata `http-status`, `http-header-<name>` and `http-file`."""

from collections.abc import Iterable

from services.chassis.lending import LentFile

Metadata = Iterable[tuple[str, str | bytes]]


def answer_head(metadata: Metadata | None, status: int = 200) -> tuple[int, dict[str, str]]:
    """Return the HTTP status, `status` unless another is asked for, and the headers."""
    headers = {}
    for key, value in metadata or ():
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        if key == "http-status":
            status = int(text)
        elif key.startswith("http-header-"):
            headers[key.removeprefix("http-header-")] = text
    return status, headers


def lent_file(metadata: Metadata | None) -> LentFile | None:
    """Return the part of a file that is the body, where the service says so."""
    for key, value in metadata or ():
        if key == "http-file" and isinstance(value, str):
            return LentFile.parse(value)
    return None
