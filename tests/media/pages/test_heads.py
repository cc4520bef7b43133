"""What pages tell programs: cards, linked data, microdata, titles."""
# A case a line, so that tables stay tables.
# ruff: noqa: E501

import json
from pathlib import Path
from typing import Any

import pytest

from services.media.engine.pages.hits import Hit
from tests.media.pages.writing import hits, image, scraped, video

CARDS: dict[str, tuple[str, list[Hit]]] = {
    "open graph": (
        "<meta property=og:image:width content=1><meta property=og:image content=a.jpg><meta property=og:image:secure_url content=https://s/a.jpg>"
        "<meta property=og:image:width content=600><meta property=og:image:height content=400><meta property=og:image:type content=image/jpeg>"
        "<meta property=og:image:alt content='A cat'><meta property=og:image:width content=7><meta property=og:image content=b.jpg>",
        [image("a.jpg", 600, 400, "A cat", "image/jpeg"), image("b.jpg")],
    ),
    "secure alone": ("<meta property=og:image:secure_url content=https://s/a.jpg>", [image("https://s/a.jpg")]),
    "by its name": ("<meta name=OG:Image content=a.jpg>", [image("a.jpg")]),
    "video": (
        "<meta property=og:video content=https://p/v><meta property=og:video:type content=text/html><meta property=og:video:width content=16><meta property=og:video:height content=9>",
        [video("https://p/v", 16, 9, None, "text/html")],
    ),
    "twitter": (
        "<meta name=twitter:image:src content=a.jpg><meta name=twitter:image:alt content=A><meta name=twitter:player content=https://p/v>"
        "<meta name=twitter:player:width content=16><meta name=twitter:player:height content=9><meta name=twitter:player:stream content=v.mp4>"
        "<meta name=twitter:player:stream:content_type content='video/mp4; codecs=x'>",
        [image("a.jpg", None, None, "A"), video("https://p/v", 16, 9), video("v.mp4", None, None, None, "video/mp4")],
    ),
    "link": ("<link rel='nofollow IMAGE_SRC' href=a.jpg><link rel=icon href=b.ico>", [image("a.jpg")]),
    "microdata": (
        "<meta itemprop=image content=a.jpg><div itemscope itemtype=http://schema.org/VideoObject><link itemprop=thumbnailUrl href=t.jpg>"
        "<meta itemprop=contentURL content=v><link itemprop=url href=x.html></div>",
        [image("a.jpg"), image("t.jpg"), video("v")],
    ),
    "the same again": ("<meta property=og:image content=a.jpg><body><img src=a.jpg width=4 height=3 alt=B>", [image("a.jpg", 4, 3, "B")]),
}  # fmt: skip

LINKED: dict[str, tuple[Any, list[Hit]]] = {
    "video": (
        {"@type": "VideoObject", "name": "F", "contentUrl": "v.mp4", "embedUrl": "e", "thumbnailUrl": ["t.jpg", "u.jpg"], "width": 16, "height": "9px", "encodingFormat": "video/mp4", "url": "page"},
        [video("v.mp4", 16, 9, "F", "video/mp4"), image("t.jpg"), image("u.jpg")],
    ),
    "embedded": ({"@type": ["Clip", "http://schema.org/VideoObject"], "embedUrl": "https://p/1"}, [video("https://p/1")]),
    "graph": (
        {"@context": "https://schema.org", "@graph": [{"@type": "WebPage", "primaryImageOfPage": {"@id": "#i"}}, {"@type": "ImageObject", "@id": "#i", "url": "a.jpg", "width": {"@type": "QuantitativeValue", "value": 8}, "caption": "C"}]},
        [image("a.jpg", 8, None, "C")],
    ),
    "article": ([{"@type": "NewsArticle", "image": ["a.jpg", {"url": "b.jpg"}], "publisher": {"logo": {"@type": "ImageObject", "url": "l.png"}}, "url": "page"}], [image("a.jpg"), image("b.jpg"), image("l.png")]),
    "nonsense": ({"@type": ["ImageObject", 5, None], "url": 7, "image": {"url": {}}, "thumbnailUrl": [[5, None, True]], "width": True}, []),
}  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), CARDS.values(), ids=CARDS)
def test_cards(tmp_path: Path, body: str, expected: list[Hit]) -> None:
    assert hits(tmp_path, body) == expected


@pytest.mark.parametrize(("data", "expected"), LINKED.values(), ids=LINKED)
def test_linked_data(tmp_path: Path, data: Any, expected: list[Hit]) -> None:
    body = f"<script type='Application/LD+JSON; charset=utf-8'>{json.dumps(data)}</script>"
    assert hits(tmp_path, body) == expected


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, "9" * 9999, '{"image": "\\ud800"}', "NaN"]
)
def test_linked_data_that_cannot_be_read_hides_nothing(tmp_path: Path, text: str) -> None:
    found = hits(tmp_path, f"<script type=application/ld+json>{text}</script><img src=a.jpg>")
    assert found[-1] == image("a.jpg")


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("<title>\n A &amp;  B&eacute; </title>", "A & Bé"),
        ("<title>First</title><title>Second</title>", "First"),
        ("<title> </title><meta property=og:title content='Of the card'>", "Of the card"),
        ("<meta property=og:title content=Card><title>Own</title>", "Own"),
        ("<p><svg><title>Drawing</title></svg><title>Own</title>", "Own"),
        ("<title><b>Bold</b></title>", "<b>Bold</b>"),
        ("<p>No title", None),
        ("<title>" + "x" * 600, "x" * 500),
        ("<title>a\0b&#0;c&#xD800;d</title>", "a\ufffdb\ufffdc\ufffdd"),
    ],
)
def test_title(tmp_path: Path, page: str, title: str | None) -> None:
    assert scraped(tmp_path, page).title == title
