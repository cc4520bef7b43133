"""Who asked, when proxies stand in between."""

from ipaddress import ip_address

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.addresses import client_address, networks

TRUSTED = networks("10.0.0.0/8, 2001:db8::/32")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.2.3.4, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.2.3.4, 198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        ("10.0.0.1", ["1.2.3.4", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["10.1.1.1, 10.2.2.2"], "10.1.1.1"),
        ("10.0.0.1", ["1.2.3.4, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:db9::1]:4711"], "2001:db9::1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("2001:db8::5", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, forwarded: list[str], client: str) -> None:
    assert client_address(peer, forwarded, TRUSTED) == client


@given(st.lists(st.text() | st.ip_addresses().map(str), max_size=5), st.booleans())
def test_any_header_leaves_an_address(forwarded: list[str], trusted: bool) -> None:
    found = client_address("10.0.0.1", forwarded, TRUSTED if trusted else ())
    assert ip_address(found)
    assert trusted or found == "10.0.0.1"


def test_no_network_is_told() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        networks("10.0.0.0/8,nonsense")
    assert networks("") == ()


async def test_services_learn_the_address_and_clients_cannot_make_it_up(
    wire: httpx.AsyncClient,
) -> None:
    headers = [("x-client-address", "6.6.6.6"), ("x-forwarded-for", "198.51.100.7")]
    answer = await wire.get("/v1/sign", headers=headers)
    assert answer.json()["metadata"]["x-client-address"] == "198.51.100.7"
    answer = await wire.get("/v1/sign", headers=headers[:1])
    assert answer.json()["metadata"]["x-client-address"] == "127.0.0.1"
