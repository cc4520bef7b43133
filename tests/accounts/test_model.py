"""Which pages a list of referrers lists."""

import pytest

from services.accounts.model import is_listed


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
