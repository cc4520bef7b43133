"""In which encoding a page is read, and what is no page."""

from pathlib import Path

import pytest

from services.media.engine.failure import BadMedia
from services.media.engine.pages import refusals
from services.media.engine.pages.charsets import codec_of
from tests.media.material import FILM, SIDEWAYS
from tests.media.pages.writing import scraped

SAYS = '<meta charset="{}"><title>{}</title>'
OLD = '<META content="text/html; charset={}" http-equiv=Content-Type><title>{}</title>'


@pytest.mark.parametrize(
    ("page", "declared", "title"),
    [
        (SAYS.format("utf-8", "é").encode(), None, "é"),
        (SAYS.format("windows-1251", "Привет").encode("cp1251"), None, "Привет"),
        (OLD.format("Shift_JIS", "日本①").encode("cp932"), None, "日本①"),
        (OLD.format("iso-8859-1", "“€”").encode("cp1252"), None, "“€”"),
        (SAYS.format("gb2312", "中文镕").encode("gb18030"), None, "中文镕"),
        (SAYS.format("euc-kr", "한국똠").encode("cp949"), None, "한국똠"),
        (SAYS.format("x-sjis", "日本").encode("cp932"), None, "日本"),
        # The server's word goes before the page's, a byte order mark before both.
        (SAYS.format("utf-8", "Привет").encode("koi8-r"), "koi8-r", "Привет"),
        (SAYS.format("koi8-r", "é").encode("utf-8-sig"), "koi8-r", "é"),
        (SAYS.format("utf-8", "é日").encode("utf-16"), None, "é日"),
        ("<title>é日</title>".encode("utf-16-le"), None, "é日"),
        ("<title>é日</title>".encode("utf-16-be"), "UTF-16BE", "é日"),
        # Nobody says: UTF-8 if it is that, else what most old pages are in.
        ("<title>é日</title>".encode(), None, "é日"),
        ("<title>é</title>".encode("latin-1"), None, "é"),
        # Nobody can mean these.
        (SAYS.format("utf-16", "é").encode(), None, "é"),
        (SAYS.format("unknown-8bit", "é").encode(), "none", "é"),
        (SAYS.format("rot13", "é").encode(), "zlib_codec", "é"),
        (SAYS.format("utf-7", "é+AGE-").encode(), None, "é+AGE-"),
        (b"<!-- <meta charset=koi8-r> -->" + SAYS.format("utf-8", "é").encode(), None, "é"),
        (b"<?xml version='1.0' encoding='cp1251'?><title>" + "я".encode("cp1251"), None, "я"),
        (b"<title>a\xff\xc3</title><meta charset=utf-8>", None, "a\ufffd\ufffd"),
    ],
)
def test_titles_in_many_encodings(
    tmp_path: Path, page: bytes, declared: str | None, title: str
) -> None:
    assert scraped(tmp_path, page, declared).title == title


@pytest.mark.parametrize("label", ["utf8", "UTF-8 ", "latin1", "ASCII", "cp1252", "x-cp1252"])
def test_labels(label: str) -> None:
    assert codec_of(b"\xff", label) in ("utf-8", "cp1252")


@pytest.mark.parametrize("label", ["", "..", "a" * 99, "os.path", "idna", "unicode_escape", "é"])
def test_labels_of_nothing(label: str) -> None:
    assert codec_of("é".encode(), label) == "utf-8"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", refusals.EMPTY),
        (b"just some words", refusals.TEXT),
        (b'{"a": 1 < 2}', refusals.TEXT),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), refusals.PICTURE),
        (b"%PDF-1.7\n", refusals.PDF),
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", refusals.DRAWING),
        (b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY a '>'>]>\n<svg/>", refusals.DRAWING),
        (b"<?xml version='1.0'?><?xml-stylesheet a?><!-- b --> <rss/>", refusals.FEED),
        (b"<?xml version='1.0'?><rss><channel/></rss>", refusals.FEED),
        (b"\0\0\0\x18ftypmp42", refusals.VIDEO),
        (b"ID3\x03", refusals.SOUND),
        (b"PK\x03\x04", refusals.ARCHIVE),
        (bytes(range(256)) * 20, refusals.UNKNOWN),
        (b"<div>" * 1001, "The page has more than 1000 elements within each other."),
    ],
)
def test_no_page(tmp_path: Path, data: bytes, sentence: str) -> None:
    with pytest.raises(BadMedia) as refused:
        scraped(tmp_path, data)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("path", "sentence"), [(SIDEWAYS, refusals.PICTURE), (FILM, refusals.VIDEO)]
)
def test_real_files_that_are_no_pages(tmp_path: Path, path: Path, sentence: str) -> None:
    with pytest.raises(BadMedia, match=sentence):
        scraped(tmp_path, path.read_bytes())
