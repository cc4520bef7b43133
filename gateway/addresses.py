"""Where a request comes from, when proxies stand in between."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def networks(text: str) -> tuple[Network, ...]:
    """Return the networks of a comma separated list. Raises ValueError for what is none."""
    return tuple(ip_network(each.strip()) for each in text.split(",") if each.strip())


def client_address(peer: str, forwarded: Iterable[str], trusted: Sequence[Network]) -> str:
    """Return the address of the nearest party that is no trusted proxy.

    `forwarded` are the values of `X-Forwarded-For` in the order of their headers: each proxy adds
    at the right whom it serves, so that they are read from there, only as far as trusted proxies
    wrote them. What is no address ends the walk.
    """
    client = _address(peer)
    if client is None:
        return peer
    if not forwarded or not trusted:
        return _text(client)
    hops = ",".join(forwarded).split(",")
    while hops and any(client in network for network in trusted):
        before = _address(hops.pop())
        if before is None:
            break
        client = before
    return _text(client)


@lru_cache(maxsize=1024)
def _text(address: Address) -> str:
    return str(address)


@lru_cache(maxsize=1024)
def _address(text: str) -> Address | None:
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # One client is one address, whichever way the socket shows it.
    return (address.version == 6 and address.ipv4_mapped) or address
