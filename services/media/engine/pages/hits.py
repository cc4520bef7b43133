"""What was found on a page, and how it is gathered."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields

from services.media.engine.pages.addresses import absolute

IMAGE = "image"
VIDEO = "video"

MOST_HITS = 2000
# As written, before those that stand for one file become one.
_MOST_SIGHTINGS = 10 * MOST_HITS
_LONGEST_TITLE = 500
_LARGEST = 1_000_000
_DIMENSION = re.compile(r"\s*\+?(\d{1,7})(?:\.\d{1,9})?\s*(?:px)?\s*")
_MIME = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")
_UNWRITABLE = re.compile(r"[\0-\x1f\x7f\ud800-\udfff]")


@dataclass
class Hit:
    """An image or a video; None is what the page does not tell. Sizes are in pixels."""

    type: str
    # As written on the page, until `gathered` makes it absolute.
    url: str
    width: int | None = None
    height: int | None = None
    title: str | None = None
    mime: str | None = None


class Sightings:
    """Hits in page order, as many as a page can sensibly have."""

    def __init__(self) -> None:
        self._hits: list[Hit] = []

    @property
    def are_full(self) -> bool:
        """Whether more are not noted."""
        return len(self._hits) >= _MOST_SIGHTINGS

    def add(self, hit: Hit | None) -> Hit | None:
        """Note a hit, if it is one, and return it."""
        if hit and not self.are_full:
            self._hits.append(hit)
        return hit

    def extend(self, hits: Iterable[Hit]) -> None:
        """Note several."""
        for hit in hits:
            self.add(hit)

    def gathered(self, base: str) -> list[Hit]:
        """The first MOST_HITS, each file once with all that is told of it, addresses absolute."""
        found: dict[tuple[str, str], Hit] = {}
        for hit in self._hits:
            url = absolute(base, hit.url)
            if not url:
                continue
            first = found.get((hit.type, url))
            if first:
                _learn(first, hit)
            elif len(found) < MOST_HITS:
                hit.url = url
                found[hit.type, url] = hit
        return list(found.values())


def _learn(known: Hit, other: Hit) -> None:
    """Fill in what is not known. A width of one place and a height of another are no size."""
    if known.width is None and known.height is None:
        known.width, known.height = other.width, other.height
    for field in fields(Hit):
        if field.name in ("title", "mime") and getattr(known, field.name) is None:
            setattr(known, field.name, getattr(other, field.name))


def pixels(value: object) -> int | None:
    """A number of pixels, 0 too; None for percentages and anything else that is not one."""
    told = _DIMENSION.fullmatch(str(value)) if isinstance(value, str | int | float) else None
    return int(told[1]) if told and int(told[1]) <= _LARGEST else None


def wording(value: object) -> str | None:
    """A text for people in one line; None when nothing is left of it."""
    if not isinstance(value, str):
        return None
    words = " ".join(_UNWRITABLE.sub(" ", value[: 20 * _LONGEST_TITLE]).split())
    return words[:_LONGEST_TITLE].rstrip() or None


def mime_of(value: object) -> str | None:
    """A MIME type without its parameters."""
    if not isinstance(value, str):
        return None
    told = value[:200].partition(";")[0].strip().lower()
    return told if _MIME.fullmatch(told) else None
