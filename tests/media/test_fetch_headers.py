"""What the headers of an answer say, whatever nonsense is in them."""

import time

import httpcore
import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.chassis.outside import Policy
from services.chassis.outside.exchange import Answer
from services.chassis.outside.network import Network
from services.media.fetch.headers import read_headers

POLICY = Policy(max_bytes=1, max_seconds=1)

_DISPOSITION = st.sampled_from(
    [
        *("attachment", "filename", "filename*", "*0", "*1", "=", '"', ";", "\\", "/", "..", " "),
        *("UTF-8", "utf-16", "idna", "base64", "'", "%", "%41", "%ff", "=?utf-8?b?", "?="),
    ]
)


def answered(**headers: str) -> Answer:
    """An answer with these headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    network = Network(POLICY)
    response = httpcore.Response(200)
    return Answer(httpx.URL("http://example.org/a/b"), 200, named, response, network, POLICY)


@given(st.lists(_DISPOSITION | st.text(max_size=3), max_size=14).map("".join))
@example("attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd")
@example("attachment; filename*=unknown-8bit''%ff")
def test_a_file_name_is_a_plain_name(disposition: str) -> None:
    name = read_headers(answered(content_disposition=disposition)).file_name
    assert len(name) <= 200
    assert not {"/", "\\", "\0", "\n", "\r"} & {*name}
    name.encode()


@pytest.mark.parametrize("piece", [";", 'a;"', '\\"', "filename*0*=%41;", "'", "=?utf-8?q?"])
def test_no_header_takes_long_to_read(piece: str) -> None:
    begun = time.process_time()
    read_headers(answered(content_disposition=f'attachment; filename="{piece * 10_000}'[:65_000]))
    assert time.process_time() - begun < 0.2


@given(st.text(max_size=30), st.text(max_size=30))
@example('"v1"', "Sun, 06 Nov 1994 08:49:37 GMT")
@example('"a\r\nx: y"', "Sun\r\nx: y")
def test_what_is_said_again_is_safe_to_say(tag: str, date: str) -> None:
    headers = read_headers(answered(etag=tag, last_modified=date))
    for value in headers.conditions().values():
        assert value.isascii()
        assert value.isprintable()


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("no-store", False),
        ("max-age=60, NO-STORE", False),
        ("private,no-store,x", False),
        ("no-cache", True),
        ("private, max-age=0", True),
        ("x=no-store", True),
        ("", True),
    ],
)
def test_no_store_is_heeded(told: str, kept: bool) -> None:
    assert read_headers(answered(cache_control=told)).may_be_kept is kept


@pytest.mark.parametrize(
    ("declared", "content_type", "charset"),
    [
        ("Text/HTML; Charset=UTF-8", "text/html", "utf-8"),
        ("text/html;charset='koi8-r';x=y", "text/html", "koi8-r"),
        ('text/html; x=y; charset = "windows-1251"', "text/html", "windows-1251"),
        ("text/html; not-charset=a", "text/html", None),
        ("text/html; charset=\u00e9", "text/html", None),
        ("charset=utf-8", "charset=utf-8", None),
        ("", None, None),
    ],
)
def test_what_a_text_is_written_in(
    declared: str, content_type: str | None, charset: str | None
) -> None:
    headers = read_headers(answered(content_type=declared))
    assert (headers.content_type, headers.charset) == (content_type, charset)
    assert headers.address == "http://example.org/a/b"
