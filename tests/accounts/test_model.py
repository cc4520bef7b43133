"""Which pages a list of referrers lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.accounts.model import hosts_listing, is_listed, listed_host, lists_origin


@pytest.mark.parametrize(
    ("pattern", "referrer", "listed"),
    [
        ("https://a.example/app", "https://a.example/app", True),
        ("https://a.example/app", "https://a.example/app/page?x=1", True),
        ("https://a.example/app?x=1", "https://a.example/app?x=12", True),
        ("https://a.example/app?x=1", "https://a.example/app", False),
        ("https://a.example/app", "https://a.example/", False),
        ("https://a.example", "https://a.example", True),
        ("https://a.example", "https://a.example/any", True),
        ("https://A.example", "https://a.EXAMPLE/any", True),
        ("https://a.example", "http://a.example/any", False),
        ("https://a.example", "https://a.example.org/", False),
        ("https://a.example", "https://a.example@evil.org/", False),
        ("https://a.example", "https://b.a.example/", False),
        ("https://a.example:8443", "https://a.example:8443/x", True),
        ("https://a.example:8443", "https://a.example/x", False),
        ("https://a.example", "https://a.example:8443/x", True),
        ("a.example", "http://a.example/x", True),
        ("a.example/app", "https://a.example/app/1", True),
        ("a.example/app", "https://a.example/other", False),
        ("*.a.example", "https://b.a.example/x", True),
        ("*.a.example", "https://c.b.A.example/x", True),
        ("*.a.example", "https://a.example/x", False),
        ("*.a.example", "https://ba.example/x", False),
        ("*.a.example", "https://b.a.example.org/x", False),
        ("https://a.example", "", False),
        ("https://a.example", "a.example", False),
        ("https://a.example", "https://[broken/", False),
        ("", "https://a.example/", False),
    ],
)
def test_is_listed(pattern: str, referrer: str, listed: bool) -> None:
    assert is_listed(referrer, ["https://never.example", pattern]) is listed
    assert not is_listed(referrer, [])


_LABELS = st.sampled_from(["a", "b", "A", "xn--a"])
_HOSTS = st.lists(_LABELS, min_size=1, max_size=3).map(".".join)
_STARTS = st.sampled_from(["*.", "https://", "http://", "//", "", "https://["])


@given(
    _STARTS,
    _HOSTS,
    st.sampled_from(["", "/", ":8443/x", ":x"]),
    st.sampled_from(["https://", "http://", ""]),
    _HOSTS,
    st.sampled_from(["", ":8443", ":x"]),
)
def test_whatever_lists_an_origin_is_found_by_its_host(
    start: str, listed: str, end: str, scheme: str, host: str, port: str
) -> None:
    pattern, origin = f"{start}{listed}{end}", f"{scheme}{host}{port}"
    if lists_origin(origin, [pattern]):
        assert listed_host(pattern) in hosts_listing(origin)
