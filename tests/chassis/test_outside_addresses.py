"""Which addresses are read at all, and which of them lead outside."""

import ipaddress

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.chassis.outside import OutsideRefused, Policy, asking, send
from services.chassis.outside.addresses import may_connect
from services.chassis.outside.urls import checked, redirected

STRICT = Policy(max_bytes=100_000, max_seconds=10)
LOOPBACK = Policy(max_bytes=100_000, max_seconds=10, allow_loopback=True)

# Everything that must not be reached, in the spellings that a resolver takes.
INSIDE = [
    *("127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
    "0.0.0.0",  # noqa: S104
    *("169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
    *("192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.0.1"),
    *("240.0.0.1", "255.255.255.255", "192.88.99.1"),
    # 127.0.0.1 and 169.254.169.254 as one number, in hexadecimals, octals and short.
    *("2130706433", "0x7f000001", "0x7F.1", "017700000001", "127.1", "127.0.1", "0", "0x0"),
    *("2852039166", "0xa9fea9fe", "0xa9.0xfe.0xa9.0xfe", "169.254.43518", "0xa9.254.0xa9fe"),
    # With the root of the name system at the end.
    *("127.0.0.1.", "localhost.", "2130706433."),
    # In other digits and with other dots.
    *("127。0。0。1", "127．0．0．1", "127｡0｡0｡1"),
    *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::ffff:a9fe:a9fe]"),
    *("[0:0:0:0:0:ffff:7f00:1]", "[::127.0.0.1]", "[::a9fe:a9fe]", "[::8.8.8.8]"),
    *("[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]", "[64:ff9b:1::808:808]"),
    *("[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2001:0:7f00:1::]", "[2001::1]"),
    *("[2606:4700::5efe:7f00:1]", "[2606:4700::200:5efe:10.0.0.1]"),
    *("[fe80::1]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[ff0e::1]"),
    *("[2001:db8::1]", "[3fff::1]", "[5f00::1]", "[100::1]"),
    *("localhost", "LOCALHOST", "LocalHost"),
]


@pytest.mark.parametrize("host", INSIDE)
async def test_what_is_not_public_is_refused(host: str) -> None:
    with pytest.raises(OutsideRefused, match="is not on the public internet"):
        async with asking(f"http://{host}/", {}, STRICT):
            pytest.fail("it was asked")
    with pytest.raises(OutsideRefused, match="is not on the public internet"):
        await send("POST", f"http://{host}/", policy=STRICT, body=b"{}")


@pytest.mark.parametrize(
    "host",
    [
        *("10.0.0.1", "169.254.169.254", "[::ffff:10.0.0.1]", "[fd00:ec2::254]"),
        "0.0.0.0",  # noqa: S104
        *("[fe80::1]", "[::]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[::127.0.0.1]"),
    ],
)
async def test_to_allow_loopback_allows_nothing_else(host: str) -> None:
    with pytest.raises(OutsideRefused, match="is not on the public internet"):
        await send("POST", f"http://{host}/", policy=LOOPBACK, body=b"{}")


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2a00::5efe:808:808"],
)
def test_the_public_internet_is_allowed(address: str) -> None:
    assert may_connect(ipaddress.ip_address(address), allow_loopback=False)


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "FILE:///etc/passwd", "ftp://example.org/a", "ws://example.org/"),
        *("gopher://127.0.0.1:25/_EHLO", "dict://127.0.0.1:11211/stats", "data:text/plain,hello"),
        *("javascript:alert(1)", "blob:https://example.org/1", "jar:http://example.org/!/a"),
        *("http+unix://%2Fvar%2Frun%2Fdocker.sock/info", "url:http://example.org/"),
        *("//example.org/a", "/etc/passwd", "", " ", "http:", "http://", "http:///a", "http:a/b"),
        # Users and passwords, and what looks like them.
        *("http://user:password@example.org/", "http://user@example.org/", "http://a@b@example/"),
        *("http://example.org\\@127.0.0.1/", "http://example.org%40127.0.0.1/"),
        *("http://:@example.org/", "http://:8080/"),
        # Headers in the address.
        *("http://example.org/\r\nx: y", "http://example.org\r\nx: y/", "http://example.org/\na"),
        *("http://example.org\r\n/", "http://ex\x00ample.org/", "http://example.org%0d%0ax:y/"),
        *("h\tttp://example.org/", "http://exam ple.org/", "http://example.org:80\r\n/"),
        # Zones.
        *("http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[::1%251]/"),
        # No address, no name.
        *("http://[::1", "http://[::1]]/", "http://[127.0.0.1]/", "http://[v1.x]/", "http://[]/"),
        *("http://0177.0.0.1/", "http://127.0.0.1%00.example.org/", "http://exa*mple.org/"),
        *("http://-example.org/", "http://.example.org/", "http://../", "http://./"),
        f"http://{'a' * 254}/",
        f"http://example.org/{'a' * 70_000}",
        # Digits of other alphabets and in circles.
        *(
            "http://１２７.０.０.１/",
            "http://①②⑦.⓪.⓪.①/",
            "http://١٢٧.٠.٠.١/",
            "http://ⓔxample.org/",
        ),
        # Ports.
        *("http://example.org:99999/", "http://example.org:-1/", "http://example.org:0/"),
        *("http://example.org:25/", "http://example.org:6667/", "https://example.org:22/"),
        *("http://example.org:80:80/", "http://example.org:0x50/"),
    ],
)
def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(OutsideRefused):
        checked(url)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTP://Example.ORG", "http://example.org/"),
        ("https://example.org:443/a?b#c", "https://example.org/a?b#c"),
        ("https://example.org.:8443/", "https://example.org:8443/"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://under_score.example/", "http://under_score.example/"),
        ("http://[2606:4700::1]:8080/a", "http://[2606:4700::1]:8080/a"),
        ("http://example.org/a b", "http://example.org/a%20b"),
        (" \thttp://example.org/a\r\n", "http://example.org/a"),
    ],
)
def test_plain_addresses_have_one_form(url: str, normal: str) -> None:
    found, expected = checked(url), httpx.URL(normal)
    assert (found.scheme, found.netloc) == (expected.scheme, expected.netloc)
    assert found.raw_path == expected.raw_path


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        ("/b", "http://example.org:8080/b"),
        ("b", "http://example.org:8080/a/b"),
        ("../b", "http://example.org:8080/b"),
        ("?x=1", "http://example.org:8080/a/?x=1"),
        ("//other.example/b", "http://other.example/b"),
        ("https://other.example/b", "https://other.example/b"),
    ],
)
def test_where_a_redirect_leads(location: str, leads_to: str) -> None:
    assert str(redirected(checked("http://example.org:8080/a/"), location)) == leads_to


@pytest.mark.parametrize(
    "location",
    [
        *("file:///etc/passwd", "ftp://example.org/", "data:,x", "//user@example.org/", "http://["),
        *("http://example.org:25/", "/a\r\nx: y", "//exam ple.org/"),
    ],
)
def test_where_no_redirect_may_lead(location: str) -> None:
    with pytest.raises(OutsideRefused):
        redirected(checked("http://example.org/"), location)


@given(st.integers(0, 2**32 - 1))
@example(0x7F000001)
@example(0xA9FEA9FE)
@example(0xC0A80101)
def test_an_ipv4_address_is_judged_alike_in_whatever_wrapping(number: int) -> None:
    """What is inside stays inside; mapped and translated addresses stand for the plain one."""
    plain = ipaddress.IPv4Address(number)
    allowed = may_connect(plain, allow_loopback=False)
    assert not (allowed and not plain.is_global)
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        wrapped = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) + number)
        assert may_connect(wrapped, allow_loopback=False) == allowed
    for around in (ipaddress.IPv6Address(number), ipaddress.IPv6Address(0x2002 << 112 | number)):
        assert not may_connect(around, allow_loopback=False)
    isatap = ipaddress.IPv6Address(0x2606_4700 << 96 | 0x5EFE << 32 | number)
    assert may_connect(isatap, allow_loopback=False) == allowed


@given(st.integers(0, 2**128 - 1))
def test_what_is_allowed_is_global(number: int) -> None:
    address = ipaddress.IPv6Address(number)
    if may_connect(address, allow_loopback=False):
        assert address.is_global
        assert not address.is_multicast


_PIECES = st.sampled_from(
    [*"@:/\\?#[]%. \t\r\n\0", "http", "https", "://", "127.0.0.1", "::1", "a", "%0d%0a", "80", "é"]
)


@given(st.lists(_PIECES | st.text(max_size=3), max_size=12).map("".join))
@example("http://a:80")
def test_whatever_is_said_an_address_is_plain_or_refused(text: str) -> None:
    try:
        url = checked(text)
    except OutsideRefused:
        return
    assert url.scheme in ("http", "https")
    assert not url.userinfo
    said = url.raw_path + url.netloc
    assert url.raw_host
    assert said.isascii()
    assert not {*b"\r\n\0\t "} & {*said}
    assert checked(str(url)) == url
