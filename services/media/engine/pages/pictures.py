"""Images of `img`, `picture` and style attributes: of each the best candidate."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from services.media.engine.pages.hits import IMAGE, Hit, mime_of, pixels, wording

Attributes = Mapping[str, str]

# Where scripts that load images late find their addresses, the most telling first.
LAZY = (
    *("data-src", "data-lazy-src", "data-original", "data-lazy", "data-original-src"),
    *("data-lazyload", "data-flickity-lazyload", "data-ll-src", "data-echo", "data-img-src"),
    *("data-actualsrc", "data-hi-res-src", "data-full-src", "data-url", "data-image"),
)
_LAZY_SETS = ("data-srcset", "data-lazy-srcset", "data-lazysrcset", "data-original-set")
_LAZY_BACKGROUNDS = ("data-bg", "data-background-image", "data-background", "data-bgset")

_BACKGROUND = re.compile(r"background(?:-image)?\s*:([^;]*)", re.IGNORECASE)
_CSS_URL = re.compile(r"url\(\s*[\"']?([^\"')\s]+)", re.IGNORECASE)
_NEXT = re.compile(r"[\s,]*(\S+)")
_DESCRIPTOR = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)([wx])(?![^\s])")
# Addresses that nobody can ask for, and what templates left.
_NO_ADDRESS = re.compile(r"\s*(?:(?:data|blob|about|javascript):|[{\[#<]|$)|.*\{\{", re.IGNORECASE)


# Of one attribute.
_MOST_CANDIDATES = 200


@dataclass(frozen=True)
class Candidate:
    """One file that can stand for a picture; sizes in pixels."""

    url: str
    # Told of the file itself.
    width: int | None
    # Of its pixels to those of the page.
    density: float
    # As it is laid out.
    layout: tuple[int | None, int | None]
    mime: str | None

    @property
    def rank(self) -> tuple[float, float]:
        """Larger for the better one."""
        return self.width or (self.layout[0] or 0) * self.density, self.density

    def size(self) -> tuple[int | None, int | None]:
        """Its width and height as far as they are told."""
        across, down = self.layout
        if self.width:
            return self.width, round(self.width * down / across) if across and down else None
        return across and round(across * self.density), down and round(down * self.density)


def picture(sources: Sequence[Attributes], image: Attributes) -> Hit | None:
    """The hit of an `img`, with the `source`s of the `picture` around it; None for tracking dots.

    The widest candidate is the best; among equals it is one of the `img`, which every program
    can show.
    """
    layout = pixels(image.get("width")), pixels(image.get("height"))
    if all(side is not None and side <= 1 for side in layout):
        return None
    candidates = list(_candidates(image, layout, None))
    for source in sources:
        own = pixels(source.get("width")), pixels(source.get("height"))
        candidates += _candidates(source, own if any(own) else layout, mime_of(source.get("type")))
    best = max(candidates, key=lambda each: each.rank, default=None)
    if best is None:
        return None
    width, height = best.size()
    title = wording(image.get("alt")) or wording(image.get("title"))
    return Hit(IMAGE, best.url, width or None, height or None, title, best.mime)


def lazy_address(attributes: Attributes) -> str | None:
    """The address that a script would load later."""
    told = (attributes[name] for name in LAZY if name in attributes)
    return next((value for value in told if _is_address(value)), None)


def backgrounds(attributes: Attributes) -> Iterator[Hit]:
    """The pictures that a style attribute, or a script later, puts behind an element."""
    # Of pages older than style sheets, on `body`, tables and their cells.
    if _is_address(old := attributes.get("background", "")):
        yield Hit(IMAGE, old)
    for declaration in _BACKGROUND.findall(attributes.get("style", "")):
        for url in _CSS_URL.findall(declaration):
            yield Hit(IMAGE, url)
    for name in _LAZY_BACKGROUNDS:
        if value := attributes.get(name):
            told = _CSS_URL.findall(value) or [value]
            yield from (Hit(IMAGE, url) for url in told if _is_address(url))


def _candidates(
    attributes: Attributes, layout: tuple[int | None, int | None], mime: str | None
) -> Iterable[Candidate]:
    """What an element offers; what scripts load stands first, as the rest is in its place."""
    for name in (*_LAZY_SETS, "srcset"):
        for url, width, density in islice(_srcset(attributes.get(name, "")), _MOST_CANDIDATES):
            if not _NO_ADDRESS.match(url):
                yield Candidate(url, width, density, layout, mime)
        if name == _LAZY_SETS[-1] and (lazy := lazy_address(attributes)):
            yield Candidate(lazy, None, 1.0, layout, mime)
    for name in ("src", "href", "xlink:href"):
        if not _NO_ADDRESS.match(url := attributes.get(name, "")):
            yield Candidate(url, None, 1.0, layout, mime)


def _srcset(value: str) -> Iterator[tuple[str, int | None, float]]:
    """Address, width and density of each candidate: https://html.spec.whatwg.org/#parse-a-srcset-attribute."""
    place = 0
    while told := _NEXT.match(value, place):
        url, place = told[1], told.end()
        descriptors = ""
        if url.endswith(","):
            url = url.rstrip(",")
        else:
            end = value.find(",", place)
            end = len(value) if end < 0 else end
            descriptors, place = value[place:end], end
        sizes = {unit: float(number) for number, unit in _DESCRIPTOR.findall(descriptors)}
        if url:
            yield url, int(sizes["w"]) if sizes.get("w") else None, sizes.get("x", 1.0)


def _is_address(value: str) -> bool:
    """Whether an attribute of no fixed meaning holds an address."""
    value = value.strip()
    return (
        not _NO_ADDRESS.match(value)
        and ("/" in value or "." in value)
        and not re.search(r"\s", value)
    )
