"""Pages that are made to hurt, and pages of nonsense."""

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.media.engine.pages.hits import MOST_HITS
from tests.media.pages.writing import outcome
from vitascope.tasks.v2.specs_pb2 import HtmlHit

MANY = 1 << 20
HOSTILE = {
    "open elements": b"<div>" * MANY,
    "ends of nothing": b"<div>" * 900 + b"</x>" * 100_000,
    "attributes": b"<img " + b"".join(b"a%d=1 " % number for number in range(100_000)),
    "a long attribute": b'<img src="' + b"a" * MANY + b'">',
    "a long title": b"<title>" + b"a " * MANY,
    "pictures": b"<img src=x>" * 100_000,
    "candidates": b'<img srcset="' + b"a 1x," * MANY + b'">',
    "commas": b'<img srcset="' + b"," * MANY + b'">',
    "a long descriptor": b'<img srcset="a ' + b"1" * MANY + b'">',
    "sources": b"<picture>" + b"<source srcset=a>" * 5000,
    "styles": b'<p style="' + b"background:url(" * 100_000 + b'">',
    "spaces": b'<p style="' + (b"background" + b" " * 1000) * 1000 + b'">',
    "templates": b'<img data-src="' + b"x{" * MANY + b'">',
    "brackets": b"<script type=application/ld+json>" + b"[" * MANY,
    "linked images": b'<script type=application/ld+json>[{"image":"' + b'/a"},{"image":"' * 100_000,
    "properties": b'<meta content=x property="' + b"og:image " * 100_000 + b'">',
    "tags": b"<" * MANY,
    "comments": b"<!--" * MANY,
    "whole comments": b"<!---->" * MANY + b"<p>",
    "instructions": b"<?a?>" * MANY + b"<p>",
    "references": b"<p>" + b"&" * MANY,
    "zeros": b"<p>" + b"a" * 9000 + b"\0" * MANY,
    "a broken encoding": b"<meta charset=gb18030>" + b"\x81" * MANY,
    "escapes": b"<meta charset=iso-2022-jp>" + b"\x1b$B" * MANY,
    "a long name": b"<" + b"a" * MANY,
    "declarations": b"<!--" * 1000 + b"<meta " * 1000,
}
# Pieces of pages, so that nonsense is of the interesting sort.
PIECES = st.sampled_from(
    [
        *(
            "<img src=",
            "<img srcset='a 2w,",
            " data-src=",
            "<picture>",
            "</picture>",
            "<source ",
            ">",
        ),
        *(
            "<video poster=a>",
            "</video>",
            "<audio>",
            "<iframe src=//youtube.com/embed/",
            "<base href=",
        ),
        *("<meta property=og:image content=", "<meta name=twitter:player content=", "<template>"),
        *("<script type=application/ld+json>", '{"@type":"VideoObject","contentUrl":', "</script>"),
        *(
            "<title>",
            "</title>",
            "<svg>",
            "<!--",
            "-->",
            "<![CDATA[",
            "'",
            '"',
            "&amp;",
            "&#xD800;",
        ),
        *(
            " style='background:url(",
            "http://[",
            "http://a:b@c:d/",
            "//",
            "\\",
            "\ud800",
            "\0",
            "xn--",
        ),
        *("%", " width=9999999999 ", " height=-1 ", "<object data=", "<param name=movie value="),
    ]
)


@pytest.mark.parametrize("page", HOSTILE.values(), ids=HOSTILE)
def test_hostile_pages_take_no_time(tmp_path: Path, page: bytes) -> None:
    begun = time.process_time()
    found = outcome(tmp_path, page)
    assert time.process_time() - begun < 5
    if isinstance(found, str):
        assert found.endswith(".")
    else:
        assert len(found.hits) <= MOST_HITS


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES | st.text(max_size=4), max_size=30).map("".join))
def test_any_page_ends_in_hits_or_a_sentence(tmp_path: Path, page: str) -> None:
    _is_sound(tmp_path, page.encode("utf-8", "surrogatepass"))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.text(max_size=12) | st.sampled_from(["utf-16", "hz", "cp932"]))
def test_any_bytes_in_any_encoding(tmp_path: Path, page: bytes, charset: str) -> None:
    _is_sound(tmp_path, b"<p>" + page, charset)


def _is_sound(folder: Path, page: bytes, charset: str | None = None) -> None:
    found = outcome(folder, page, charset)
    if isinstance(found, str):
        assert found.endswith(".")
        return
    for hit in found.hits:
        HtmlHit(**vars(hit)).SerializeToString()
        assert hit.url.startswith(("http://", "https://"))
        assert hit.url.isascii()
        assert hit.url.isprintable()
        assert hit.type in ("image", "video")
        assert hit.width != 0
        assert hit.height != 0
