"""Follows the tags of a page as libxml2 tells them, and keeps no tree of them."""

from collections.abc import Mapping

from services.media.engine.failure import BadMedia
from services.media.engine.pages.films import Film, embedded, framed
from services.media.engine.pages.heads import Head
from services.media.engine.pages.hits import Sightings, wording
from services.media.engine.pages.linked import linked
from services.media.engine.pages.pictures import Attributes, backgrounds, picture

MOST_NESTED = 1000
"""Elements within each other: an end tag without a start is compared with all that are open."""

TOO_DEEP = f"The page has more than {MOST_NESTED} elements within each other."
# libxml2 does not know that these hold nothing, and ends them with what is around them.
_EMPTY = frozenset({"source", "track", "wbr"})
_TEXT_LENGTH = 4 << 20
_LINKED_DATA = "application/ld+json"


class Reader:
    """What lxml calls a parser target: it is told of tags and texts, in their order."""

    def __init__(self) -> None:
        self.sightings = Sightings()
        self.head = Head(self.sightings)
        self.base: str | None = None
        self.title: str | None = None
        self._depth = 0
        # How many of these are open: in them images and titles are no page's own.
        self._inert = {"template": 0, "svg": 0}
        # The sources of the picture that is open, if one is.
        self._sources: list[Attributes] | None = None
        self._film: Film | None = None
        self._in_audio = False
        # The text of the element that is open, where it matters.
        self._text: list[str] | None = None
        self._text_length = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """A start tag. Raises BadMedia when too many are open."""
        if tag not in _EMPTY:
            self._depth += 1
        if self._depth > MOST_NESTED:
            raise BadMedia(TOO_DEEP)
        if tag in self._inert:
            self._inert[tag] += 1
        if self._inert["template"] or self.sightings.are_full:
            return
        if attributes:
            self.head.scope(attributes)
            self.sightings.extend(backgrounds(attributes))
        if handle := getattr(self, f"_{tag.replace('-', '_')}_tag", None):
            handle(attributes)

    def end(self, tag: str) -> None:
        """An end tag, or where one would be."""
        if tag not in _EMPTY:
            self._depth -= 1
        if tag in self._inert:
            self._inert[tag] = max(0, self._inert[tag] - 1)
        if tag == "picture" and self._sources is not None:
            self.sightings.add(picture(self._sources, {}))
            self._sources = None
        elif tag in ("video", "amp-video") and self._film:
            self.sightings.extend(self._film.end())
            self._film = None
        elif tag == "audio":
            self._in_audio = False
        elif tag in ("title", "script") and self._text is not None:
            self._take_text(tag, "".join(self._text))
            self._text = None

    def data(self, text: str) -> None:
        """Some more of a text."""
        if self._text is not None and self._text_length < _TEXT_LENGTH:
            self._text.append(text)
            self._text_length += len(text)

    def close(self) -> None:
        """The end of the page."""

    def _take_text(self, tag: str, text: str) -> None:
        if tag == "title":
            self.title = self.title or wording(text)
        else:
            self.sightings.extend(linked(text))

    def _listen(self) -> None:
        self._text, self._text_length = [], 0

    def _base_tag(self, attributes: Attributes) -> None:
        self.base = self.base or attributes.get("href")

    def _title_tag(self, attributes: Attributes) -> None:
        if not self._inert["svg"] and not self.title:
            self._listen()

    def _script_tag(self, attributes: Attributes) -> None:
        if attributes.get("type", "").partition(";")[0].strip().lower() == _LINKED_DATA:
            self._listen()

    def _meta_tag(self, attributes: Attributes) -> None:
        self.head.meta(attributes)

    def _link_tag(self, attributes: Attributes) -> None:
        self.head.link(attributes)

    def _picture_tag(self, attributes: Attributes) -> None:
        self._sources = []

    def _img_tag(self, attributes: Attributes) -> None:
        self.sightings.add(picture(self._sources or (), attributes))
        self._sources = None

    _image_tag = _amp_img_tag = _img_tag

    def _input_tag(self, attributes: Attributes) -> None:
        if attributes.get("type", "").lower() == "image":
            self.sightings.add(picture((), attributes))

    def _video_tag(self, attributes: Attributes) -> None:
        self._film = Film(dict(attributes))
        self.sightings.extend(self._film.begin())

    _amp_video_tag = _video_tag

    def _audio_tag(self, attributes: Attributes) -> None:
        self._in_audio = True

    def _source_tag(self, attributes: Attributes) -> None:
        if self._film and not self._in_audio:
            self.sightings.extend(self._film.offer(attributes))
        elif self._sources is not None:
            self._sources.append(dict(attributes))

    def _iframe_tag(self, attributes: Attributes) -> None:
        self.sightings.add(framed(attributes))

    _amp_iframe_tag = _iframe_tag

    def _object_tag(self, attributes: Attributes) -> None:
        self.sightings.add(embedded(attributes))

    _embed_tag = _object_tag

    def _param_tag(self, attributes: Attributes) -> None:
        if attributes.get("name", "").lower() in ("movie", "src"):
            self.sightings.add(embedded({"movie": attributes.get("value", "")}))
