"""The HTTP server around the gateway: addresses, TLS, and what one connection may cost."""

import resource
import socket
from pathlib import Path

from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings, HTTP2Settings
from granian.log import LogLevels
from granian.server.embed import Server

from gateway.app import Gateway

# How long a connection may idle, and how long a request's headers may take, in milliseconds.
_HEADER_TIMEOUT = 60_000
# The application refuses smaller heads with a proper answer; here the reading itself ends.
_HEAD_BYTES = 128 * 2**10
# The server stops to accept connections at this many: idle ones must not keep others out.
_CONNECTIONS = 16_384
_SPARE_FILES = 1024
_HTTP2 = HTTP2Settings(
    max_headers_size=_HEAD_BYTES, max_concurrent_streams=100, keep_alive_interval=30_000
)


def http_server(
    gateway: Gateway,
    address: str,
    certificate: Path | None = None,
    key: Path | None = None,
    header_timeout: int = _HEADER_TIMEOUT,
) -> Server:
    """Return a server on `HOST:PORT`: HTTP/1.1, with a certificate and its key TLS and HTTP/2 too.

    `header_timeout` is in milliseconds. Raises OSError when the address is taken, and ValueError
    for a certificate without a key or the other way round.
    """
    if (certificate is None) != (key is None):
        raise ValueError("TLS needs both a certificate and its key")
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    _check_free(host, int(port))
    return Server(
        gateway,
        address=host,
        port=int(port),
        # Granian's own interface is no faster here; it decodes paths, drops header values that are
        # not ASCII, and queues a streamed answer without bound for a client that reads slowly.
        interface=Interfaces.ASGINL,
        # Where it takes both versions, the server waits for the first bytes to tell them apart, for
        # as long as they do not come. With TLS, whose handshake is bounded, that cannot be helped.
        http=HTTPModes.http1 if certificate is None else HTTPModes.auto,
        websockets=False,
        backlog=1024,
        backpressure=_connections(),
        http1_settings=HTTP1Settings(
            header_read_timeout=header_timeout, max_buffer_size=_HEAD_BYTES
        ),
        http2_settings=_HTTP2,
        ssl_cert=certificate,
        ssl_key=key,
        ssl_protocol_min=SSLProtocols.tls12,
        log_level=LogLevels.error,
        # Its lines go where all others of the process go, in the same form.
        log_dictconfig={"handlers": {}, "loggers": {"_granian": {"propagate": True}}},
    )


def _check_free(host: str, port: int) -> None:
    # The server shares a port with whoever has it already; a second gateway has to fail instead.
    # Bound only: whoever waits for the gateway must not be taken in by a port that listens early.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def _connections() -> int:
    """Return how many connections there may be, after asking for as many files as are granted."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:
        most = _CONNECTIONS + _SPARE_FILES
    wanted = min(most, _CONNECTIONS + _SPARE_FILES)
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    return max(64, wanted - _SPARE_FILES)
