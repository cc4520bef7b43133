"""Which addresses of the web are used at all, whatever their hosts resolve to."""

import ipaddress
import re

import httpx

from services.chassis.outside.failure import OutsideRefused

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HIGHEST_PORT = 65535
# Ports of servers that can be made to obey what looks like HTTP: the "bad
# ports" of the Fetch standard (https://fetch.spec.whatwg.org/#port-blocking).
_BAD_PORTS = frozenset(
    {
        *(1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95),
        *(101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179),
        *(389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601),
        *(636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000),
        *(6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
    }
)
# What may stand around an address that was pasted; browsers drop it too.
_AROUND = " \t\r\n"
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?")


def checked(url: str) -> httpx.URL:
    """A plain http(s) address, in its normal form. Raises OutsideRefused for any other.

    White space around it does not matter.
    """
    try:
        return _checked(httpx.URL(url.strip(_AROUND)))
    except httpx.InvalidURL as error:
        raise OutsideRefused("The address is not valid.") from error


def redirected(url: httpx.URL, location: str) -> httpx.URL:
    """Where a `Location` header of an answer from `url` leads. Raises OutsideRefused."""
    try:
        return _checked(url.join(location))
    except httpx.InvalidURL as error:
        raise OutsideRefused(
            f"The server {host_of(url)} redirects to an address that is not valid."
        ) from error


def host_of(url: httpx.URL) -> str:
    """The host as it is looked up: ASCII, an IPv6 address without brackets."""
    return url.raw_host.decode("ascii")


def port_of(url: httpx.URL) -> int:
    """The port of a checked address."""
    return _DEFAULT_PORTS[url.scheme] if url.port is None else url.port


def _checked(url: httpx.URL) -> httpx.URL:
    if url.scheme not in _DEFAULT_PORTS:
        raise OutsideRefused("Only http and https addresses can be used.")
    if url.userinfo:
        raise OutsideRefused("An address with a user name or password is not used.")
    # The root of the name system at the end means the same, but certificates leave it out.
    host = host_of(url).removesuffix(".")
    if not (_NAME.fullmatch(host) or _is_ipv6(host)):
        raise OutsideRefused("The address names no valid server.")
    port = port_of(url)
    if port in _BAD_PORTS or not 0 < port <= _HIGHEST_PORT:
        raise OutsideRefused(f"Port {port} of the server {host} is not one of web servers.")
    return url.copy_with(host=host)


def _is_ipv6(host: str) -> bool:
    """Whether it is an IPv6 address; one with a zone means something on one machine only."""
    try:
        return not ipaddress.IPv6Address(host).scope_id
    except ValueError:
        return False
