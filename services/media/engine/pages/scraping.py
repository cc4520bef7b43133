"""Reads a page from a file."""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lxml import etree

from services.media.engine.failure import BadMedia
from services.media.engine.pages.addresses import absolute
from services.media.engine.pages.charsets import codec_of
from services.media.engine.pages.hits import Hit
from services.media.engine.pages.reader import Reader
from services.media.engine.pages.refusals import EMPTY, TEXT, TOO_LARGE, why_not_a_page

MOST_BYTES = 64 << 20
_HEAD_BYTES = 1 << 20
_PIECE_BYTES = 1 << 16
_MARKUP = re.compile("<[a-zA-Z!]")


@dataclass(frozen=True)
class Page:
    """Title and hits of a page, in its order."""

    title: str | None
    hits: list[Hit]


def scrape(path: Path, address: str, charset: str | None) -> Page:
    """Find what the page in a file shows. Raises BadMedia.

    `address` is what its relative references are relative to, `charset` what its server said.
    """
    size = path.stat().st_size
    if size == 0:
        raise BadMedia(EMPTY)
    if size > MOST_BYTES:
        raise BadMedia(TOO_LARGE.format(MOST_BYTES >> 20))
    reader = Reader()
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        codec = codec_of(head, charset)
        if why := why_not_a_page(head, codec):
            raise BadMedia(why)
        file.seek(0)
        _read(file, codec, reader)
    base = absolute(address, reader.base) if reader.base else None
    hits = reader.sightings.gathered(base or address)
    return Page(reader.title or reader.head.title, hits)


def _read(file: IO[bytes], codec: str, reader: Reader) -> None:
    """Have the reader told of the whole page. Raises BadMedia."""
    decoder = codecs.getincrementaldecoder(codec)(errors="replace")
    # Without `huge_tree` libxml2 gives up on long texts; what it is given is small already.
    parser = etree.HTMLParser(target=reader, encoding="utf-8", huge_tree=True)
    has_markup = False
    while piece := file.read(_PIECE_BYTES):
        text = decoder.decode(piece).replace("\0", "\ufffd")
        has_markup = has_markup or bool(_MARKUP.search(text))
        parser.feed(text.encode("utf-8", "replace"))
    if not has_markup:
        raise BadMedia(TEXT)
    parser.close()
