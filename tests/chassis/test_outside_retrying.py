"""Which answers are worth another try, and after how long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.outside import retry_after, worth_retrying

_DATE = st.sampled_from(
    ["Sun, ", "06 ", "Nov ", "1994 ", "08:49:37 ", "GMT", "-0000", "+9999", "99999", "-"]
)


@given(st.text(max_size=20) | st.lists(_DATE, max_size=8).map("".join) | st.from_regex(r"\d{1,12}"))
def test_a_wait_is_at_most_a_day(value: str) -> None:
    wait = retry_after(value)
    assert wait is None or 0 <= wait <= 86_400


@pytest.mark.parametrize(
    ("status", "worth"),
    [
        *((status, True) for status in (408, 425, 429, 500, 502, 503, 504)),
        *((status, False) for status in (400, 401, 403, 404, 409, 410, 411, 412, 501, 505)),
    ],
)
def test_a_server_in_trouble_is_asked_again(status: int, worth: bool) -> None:
    assert worth_retrying(status) is worth
