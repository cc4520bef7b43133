"""Pages for tests, and what is found on them."""

from pathlib import Path

from services.media.engine.failure import BadMedia
from services.media.engine.pages.hits import Hit
from services.media.engine.pages.scraping import Page, scrape

ADDRESS = "https://site.example/dir/page.html?q=1"


def scraped(folder: Path, page: bytes | str, charset: str | None = None) -> Page:
    """What a page at ADDRESS holds."""
    path = folder / "page"
    path.write_bytes(page if isinstance(page, bytes) else page.encode())
    return scrape(path, ADDRESS, charset)


def outcome(folder: Path, page: bytes, charset: str | None = None) -> Page | str:
    """What a page holds, or the sentence that it cannot be read."""
    try:
        return scraped(folder, page, charset)
    except BadMedia as error:
        return str(error)


def hits(folder: Path, body: str) -> list[Hit]:
    """The hits of a page with that in it."""
    return scraped(folder, f"<!doctype html><title>T</title>{body}").hits


def image(url: str, *facts: object) -> Hit:
    """An image of the folder of ADDRESS, or of an absolute address."""
    return _hit("image", url, facts)


def video(url: str, *facts: object) -> Hit:
    """A video, likewise."""
    return _hit("video", url, facts)


def _hit(kind: str, url: str, facts: tuple[object, ...]) -> Hit:
    absolute = url if "://" in url else f"https://site.example/dir/{url}"
    return Hit(kind, absolute, *facts)  # type: ignore[arg-type]
