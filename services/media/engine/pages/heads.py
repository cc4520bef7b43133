"""Images and videos that `meta` and `link` tell: Open Graph, Twitter cards, microdata."""

import re

from services.media.engine.pages.films import is_video
from services.media.engine.pages.hits import (
    IMAGE,
    VIDEO,
    Hit,
    Sightings,
    mime_of,
    pixels,
    wording,
)
from services.media.engine.pages.pictures import Attributes

_CARD = re.compile(
    r"(og|twitter):(image|video|player(?::stream)?)\d*(?::([a-z_]+))?", re.IGNORECASE
)
_IMAGES = frozenset({"image", "thumbnail", "thumbnailurl", "primaryimageofpage"})
_ITEMS = {"ImageObject": IMAGE, "VideoObject": VIDEO}
_CONTENTS = frozenset({"contenturl", "embedurl"})


class Head:
    """Follows the `meta` and `link` elements of a page."""

    def __init__(self, sightings: Sightings) -> None:
        self._sightings = sightings
        # What structured properties that follow tell more of.
        self._latest: dict[str, Hit] = {}
        self._item_type = ""
        # The titles that cards tell, for pages without one.
        self.title: str | None = None

    def meta(self, attributes: Attributes) -> None:
        """A `meta` element."""
        content = attributes.get("content", "").strip()
        if not content:
            return
        names = f"{attributes.get('property', '')} {attributes.get('name', '')}"[:1000].split()
        for name in names:
            if card := _CARD.fullmatch(name):
                self._card(card[1].lower(), card[2].lower(), (card[3] or "").lower(), content)
            elif name.lower() in ("og:title", "twitter:title"):
                self.title = self.title or wording(content)
        self.item(attributes, content)

    def link(self, attributes: Attributes) -> None:
        """A `link` element."""
        url = attributes.get("href", "").strip()
        if url and "image_src" in attributes.get("rel", "").lower().split():
            self._sightings.add(Hit(IMAGE, url))
        self.item(attributes, url)

    def scope(self, attributes: Attributes) -> None:
        """Any element: it may begin a thing of microdata."""
        if "itemscope" in attributes:
            self._item_type = attributes.get("itemtype", "").strip().rpartition("/")[2]

    def item(self, attributes: Attributes, url: str) -> None:
        """A property of microdata that is an address; `img` and its like are found without."""
        for name in attributes.get("itemprop", "").lower().split()[:8]:
            kind = _ITEMS.get(self._item_type) if name in _CONTENTS else None
            if name in _CONTENTS and is_video(url):
                kind = VIDEO
            elif name in _IMAGES:
                kind = IMAGE
            if url and kind:
                self._sightings.add(Hit(kind, url))

    def _card(self, family: str, thing: str, fact: str, content: str) -> None:
        key = f"{family}:{thing}"
        latest = self._latest.get(key)
        if fact in ("", "url", "src") or (fact == "secure_url" and not latest):
            hit = Hit(IMAGE if thing == "image" else VIDEO, content)
            self._latest[key] = hit
            self._sightings.add(hit)
        elif latest and fact in ("width", "height"):
            setattr(latest, fact, getattr(latest, fact) or pixels(content) or None)
        elif latest and fact in ("type", "content_type"):
            latest.mime = latest.mime or mime_of(content)
        elif latest and fact == "alt":
            latest.title = latest.title or wording(content)
