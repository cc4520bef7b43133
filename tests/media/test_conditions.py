"""Preconditions: what a client has, and what it wants only if nothing changed (RFC 9110, 13)."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.media.model.conditions import (
    Conditions,
    PreconditionFailed,
    Validators,
    parse_date,
)

STORED = datetime(2026, 11, 22, 6, 11, 19, 999_999, UTC)
FILE = Validators.of("abc", STORED)
WHEN = "Sun, 22 Nov 2026 06:11:19 GMT"
BEFORE = "Sun, 22 Nov 2026 06:11:18 GMT"
AFTER = "Sun, 22 Nov 2026 06:11:20 GMT"
HOSTILE = (
    st.text()
    | st.from_regex(r'(W/)?"[^"]*"(, *(W/)?"[^"]*)*', fullmatch=True)
    | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{4} ([0-9]{2}:){2}[0-9]{2} GMT")
)


@pytest.mark.parametrize(
    ("header", "known", "matches"),
    [
        ('"abc"', True, True),
        ('W/"abc"', True, False),
        (' "x" ,"abc"', True, True),
        ('"x,y", W/"abc", "z"', True, False),
        ('W/"abc","abc"', True, True),
        ("*", True, True),
        (" * ", True, True),
        ("abc", False, False),
        ('"ABC"', False, False),
        ('"abcd"', False, False),
        ('"x"', False, False),
        ('"abc', False, False),
        ('w/"abc', False, False),
    ],
)
def test_tags(header: str, known: bool, matches: bool) -> None:
    """If-None-Match compares weakly, If-Match strongly."""
    assert Conditions(if_none_match=header).is_unchanged(FILE) is known
    if matches:
        assert not Conditions(if_match=header).is_unchanged(FILE)
    else:
        with pytest.raises(PreconditionFailed) as refusal:
            Conditions(if_match=header).is_unchanged(FILE)
        assert refusal.value.metadata == {"http-status": "412"}


@pytest.mark.parametrize(
    ("date", "unchanged", "fails"),
    [
        (WHEN, True, False),
        (AFTER, True, False),
        (BEFORE, False, True),
        ("Sunday, 22-Nov-26 06:11:19 GMT", True, False),
        ("Sun Nov 22 06:11:19 2026", True, False),
        ("Sun Nov  1 06:11:19 2026", False, True),
        ("Monday, 22-Nov-99 06:11:19 GMT", False, True),
        ("Sun, 22 Nov 2026 06:11:18 +0000", False, False),
        ("2026-11-22T06:11:18Z", False, False),
        ("", False, False),
        ("yesterday", False, False),
    ],
)
def test_dates(date: str, unchanged: bool, fails: bool) -> None:
    """What is no date, sets no condition."""
    assert Conditions(if_modified_since=date).is_unchanged(FILE) is unchanged
    if fails:
        with pytest.raises(PreconditionFailed):
            Conditions(if_unmodified_since=date).is_unchanged(FILE)
    else:
        assert not Conditions(if_unmodified_since=date).is_unchanged(FILE)


def test_dates_do_not_count_beside_tags() -> None:
    assert not Conditions(if_none_match='"x"', if_modified_since=AFTER).is_unchanged(FILE)
    assert Conditions(if_none_match='"abc"', if_modified_since=BEFORE).is_unchanged(FILE)
    assert not Conditions(if_match='"abc"', if_unmodified_since=BEFORE).is_unchanged(FILE)


def test_what_a_client_wants_counts_before_what_it_has() -> None:
    with pytest.raises(PreconditionFailed):
        Conditions(if_match='"x"', if_none_match='"abc"').is_unchanged(FILE)
    assert Conditions(if_match='"abc"', if_none_match='"abc"').is_unchanged(FILE)


@pytest.mark.parametrize("header", ["", '"abc"', WHEN, "Sun Nov 22 06:11:19 2026"])
def test_a_range_counts_for_the_same_file(header: str) -> None:
    assert Conditions(if_range=header).range_counts(FILE)


@pytest.mark.parametrize("header", ['W/"abc"', '"abd"', "abc", "*", BEFORE, AFTER, "yesterday"])
def test_a_range_counts_for_no_other_file(header: str) -> None:
    assert not Conditions(if_range=header).range_counts(FILE)


@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
@example('"' * 5000, "W/" * 5000, '"a"' * 5000, "1" * 5000, "*")
def test_any_headers_give_an_answer(a: str, b: str, c: str, d: str, e: str) -> None:
    conditions = Conditions(a, b, c, d, e)
    assert conditions.range_counts(FILE) in (True, False)
    try:
        unchanged = conditions.is_unchanged(FILE)
    except PreconditionFailed:
        assert a or b
    else:
        assert not unchanged or c or d


@given(st.integers(0, int(datetime(2068, 12, 31, tzinfo=UTC).timestamp())))
def test_dates_are_read_as_they_are_written(seconds: int) -> None:
    whole = datetime.fromtimestamp(seconds, UTC)
    assert parse_date(format_datetime(whole, usegmt=True)) == whole
    assert parse_date(whole.strftime("%A, %d-%b-%y %H:%M:%S GMT")) == whole
    assert parse_date(whole.ctime()) == whole


def test_the_time_of_a_file_is_told_in_utc() -> None:
    later = STORED.astimezone(datetime.now().astimezone().tzinfo) + timedelta(hours=1)
    assert Validators.of("abc", later) == Validators(
        '"abc"', datetime(2026, 11, 22, 7, 11, 19, 0, UTC)
    )
