"""What a service says to HTTP: metadata `http-status` and `http-header-<name>`."""

from collections.abc import Iterable


def answer_head(
    metadata: Iterable[tuple[str, str | bytes]] | None, status: int = 200
) -> tuple[int, dict[str, str]]:
    """Return the HTTP status, `status` unless another is asked for, and the headers."""
    headers = {}
    for key, value in metadata or ():
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        if key == "http-status":
            status = int(text)
        elif key.startswith("http-header-"):
            headers[key.removeprefix("http-header-")] = text
    return status, headers
