"""Images and videos that a page describes in JSON-LD with the words of schema.org."""

import json
from collections.abc import Iterator
from typing import Any

from services.media.engine.pages.hits import IMAGE, VIDEO, Hit, mime_of, pixels, wording

_OBJECTS = {"ImageObject": IMAGE, "VideoObject": VIDEO}
# Properties whose texts are addresses of images.
_IMAGES = frozenset({"image", "thumbnail", "thumbnailUrl", "photo", "logo", "primaryImageOfPage"})
_ADDRESSES = {IMAGE: ("contentUrl", "url"), VIDEO: ("contentUrl", "embedUrl")}


def linked(text: str) -> Iterator[Hit]:
    """The hits of a script of linked data in their order; none when it cannot be read."""
    try:
        data = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return
    # Values to look at, the next one last, and whether their texts are addresses of images.
    stack: list[tuple[Any, bool]] = [(data, False)]
    while stack:
        value, is_image = stack.pop()
        if isinstance(value, str) and is_image:
            yield Hit(IMAGE, value)
        elif isinstance(value, list):
            stack += ((each, is_image) for each in reversed(value))
        elif isinstance(value, dict):
            if hit := _object(value, is_image):
                yield hit
            stack += ((each, name in _IMAGES) for name, each in reversed(value.items()))


def _object(value: dict[str, Any], is_image: bool) -> Hit | None:
    types = value.get("@type")
    names = [
        each for each in (types if isinstance(types, list) else [types]) if isinstance(each, str)
    ]
    kinds = (_OBJECTS.get(name.rpartition("/")[2].rpartition(":")[2]) for name in names)
    kind = next(filter(None, kinds), IMAGE if is_image else None)
    if not kind:
        return None
    url = next((told for name in _ADDRESSES[kind] if (told := _text(value.get(name)))), None)
    if not url:
        return None
    width, height = _side(value.get("width")), _side(value.get("height"))
    title = wording(value.get("name")) or wording(value.get("caption"))
    return Hit(kind, url, width, height, title, mime_of(value.get("encodingFormat")))


def _text(value: Any) -> str | None:
    """A text, or the first of several."""
    if isinstance(value, list) and value:
        value = value[0]
    return value.strip() or None if isinstance(value, str) else None


def _side(value: Any) -> int | None:
    """Pixels, said as a number, a text or a QuantitativeValue."""
    if isinstance(value, dict):
        value = value.get("value")
    return None if isinstance(value, bool) else pixels(value) or None
