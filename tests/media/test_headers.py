"""Names and types of files in headers, against what the RFCs say."""

import re
from email.message import Message
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.media.model.files import Role, display_name
from services.media.model.headers import content_disposition, content_type_of


@given(st.text(min_size=1))
def test_a_name_arrives_as_it_left(name: str) -> None:
    name = display_name(name)
    header = content_disposition(Role.ORIGINAL, name)
    assert re.fullmatch(r"[ -~]+", header), "a header is one line of ASCII"
    found = re.fullmatch(r"attachment; filename=\"([^\"\\]*)\"; filename\*=UTF-8''(\S+)", header)
    assert found
    assert unquote(found[2], errors="strict") == name
    assert len(found[1]) == len(name)


def test_a_mail_reader_understands_the_header() -> None:
    message = Message()
    message["Content-Disposition"] = content_disposition(Role.ORIGINAL, "plain; name.mp4")
    assert message.get_content_disposition() == "attachment"
    assert message.get_param("filename", header="content-disposition") == "plain; name.mp4"


def test_what_is_made_to_be_shown_is_shown() -> None:
    kinds = {role: content_disposition(role, "a").partition(";")[0] for role in Role}
    saved = {role for role, kind in kinds.items() if kind == "attachment"}
    assert saved == {Role.ORIGINAL, Role.PROCESSED}
    assert set(kinds.values()) == {"attachment", "inline"}


@given(st.text())
def test_a_display_name_is_no_path(name: str) -> None:
    shown = display_name(name)
    assert 0 < len(shown) <= 255
    assert not set("/\\\0\r\n") & set(shown)


def test_the_end_of_a_long_name_is_kept() -> None:
    assert display_name("x" * 300 + ".mp4").endswith("x.mp4")


@pytest.mark.parametrize(
    ("declared", "file_name", "expected"),
    [
        ("video/mp4", "a.mov", "video/mp4"),
        ('text/plain; charset="utf-8"', "a", 'text/plain; charset="utf-8"'),
        ("application/octet-stream", "a.MP4", "video/mp4"),
        ("", "a.mov", "video/quicktime"),
        ("", "a b%.mxf", "application/mxf"),
        ("", "a.mts", "video/mp2t"),
        ("", "a:b?c#d.mkv", "video/x-matroska"),
        ("", "unknown", "application/octet-stream"),
        ("", "data:text/html,x", "application/octet-stream"),
        ("video", "a", "application/octet-stream"),
        ("text/html\r\nX-Evil: 1", "a", "application/octet-stream"),
        ("x/" + "y" * 300, "a", "application/octet-stream"),
    ],
)
def test_types(declared: str, file_name: str, expected: str) -> None:
    assert content_type_of(declared, file_name) == expected
