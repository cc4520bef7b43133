"""Which addresses of the internet protocols a fetch may connect to."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Last 64 bits of addresses that carry an IPv4 address through ISATAP tunnels (RFC 5214).
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})
# Not for the public, though `ipaddress` of some Python versions says so.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        "100.64.0.0/10",  # carrier-grade NAT; Alibaba Cloud keeps its metadata here
        "168.63.129.16/32",  # Azure's platform address
        "192.0.0.0/24",  # IETF assignments; Oracle Cloud keeps its metadata here
        "192.88.99.0/24",  # 6to4 relays
        "::/96",  # IPv4-compatible, deprecated
        "64:ff9b:1::/48",  # NAT64 of local networks
        "2001::/23",  # IETF assignments, Teredo among them
        "2002::/16",  # 6to4: wraps any IPv4 address
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fec0::/10",  # the former site-local range
    )
)


def may_connect(address: Address, *, allow_loopback: bool) -> bool:
    """Whether an address, or the IPv4 address inside it, is on the public internet.

    The machine's own addresses are not, but may be allowed.
    """
    address = _unwrapped(address)
    if address.is_loopback:
        return allow_loopback
    if any(address in network for network in _NOT_PUBLIC):
        return False
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_link_local
        or address.is_private
        or address.is_unspecified
    )


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    low = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    if address.ipv4_mapped or address in _NAT64:
        return low
    if int(address) >> 32 & 0xFFFF_FFFF in _ISATAP and not may_connect(low, allow_loopback=False):
        return low
    return address
