"""The interactive page at /docs: Swagger UI and our own few lines, all from this process."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from pathlib import Path

import swagger_ui_bundle

from gateway.exchange import Exchange
from gateway.problems import Refusal

_OWN = Path(__file__).with_name("page")
_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "png": "image/png",
}
# Styles and scripts from here alone; the pictures inside Swagger UI's style sheet are data URLs.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_PAGE_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
}
_FOREVER = {"cache-control": "public, max-age=31536000, immutable"}
_PLACEHOLDER = re.compile(r"\{([\w.-]+)\}")


@dataclass(frozen=True)
class _File:
    content: bytes
    content_type: str

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()[:16]


class DocsPage:
    """Answers `/docs` and the files that it loads, whose names change with their content."""

    def __init__(self) -> None:
        loaded = {path.name: _read(path) for path in _loaded_by_page()}
        addresses = {name: f"docs/{file.digest}/{name}" for name, file in loaded.items()}
        self._files = {addresses[name]: file for name, file in loaded.items()}
        template = (_OWN / "index.html").read_text()
        page = _PLACEHOLDER.sub(lambda found: addresses[found[1]], template)
        self._page = _File(page.encode(), _TYPES["html"])

    async def __call__(self, exchange: Exchange) -> None:
        """Answer with the page or a file. Raises Refusal for other methods than GET and HEAD."""
        if exchange.method not in ("GET", "HEAD"):
            message = f"{exchange.path} takes GET, HEAD, not {exchange.method}"
            allow = {"allow": "GET, HEAD"}
            raise Refusal(405, "MethodNotAllowedException", message, headers=allow)
        address = "/".join(exchange.segments)
        if address == "docs" and exchange.path.endswith("/"):
            # The page's addresses are relative, so that it works below any prefix.
            await exchange.answer(HTTPStatus.PERMANENT_REDIRECT, b"", {"location": "../docs"})
        elif address == "docs":
            await _answer(exchange, self._page, _PAGE_HEADERS)
        elif file := self._files.get(address):
            await _answer(exchange, file, _FOREVER)
        else:
            raise Refusal(404, "NotFoundException", f"There is nothing at {exchange.path}")


def _loaded_by_page() -> Iterator[Path]:
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"):
        yield swagger_ui_bundle.swagger_ui_path / name
    for name in ("page.css", "page.js"):
        yield _OWN / name


def _read(path: Path) -> _File:
    return _File(path.read_bytes(), _TYPES[path.name.rpartition(".")[2]])


async def _answer(exchange: Exchange, file: _File, headers: dict[str, str]) -> None:
    etag = f'"{file.digest}"'
    headers = {**headers, "etag": etag}
    asked = exchange.headers.get("if-none-match", "")
    if asked == "*" or etag in asked:
        await exchange.answer(HTTPStatus.NOT_MODIFIED, b"", headers)
    else:
        await exchange.answer(
            HTTPStatus.OK, file.content, {"content-type": file.content_type, **headers}
        )
