"""Local web servers: of files, as the sources of tasks, and one that notes what it is asked."""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on a free loopback port and yield the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Call:
    """A request as it came; headers by lower-case name."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """How to answer: a status and headers; None as status lets the caller wait for ever."""

    status: int | None = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Endpoint:
    """A server that notes what it is asked, as the receivers of callbacks.

    `reply` says how to answer; tests may replace it any time.
    """

    def __init__(self, reply: Callable[[Call], Reply]) -> None:
        self.reply = reply
        self.url = ""
        self.calls: list[Call] = []
        self.open = 0
        self.most_open = 0
        self.closing = threading.Event()
        self._lock = threading.Lock()

    def answer(self, call: Call) -> Reply:
        """Note a call and return how to answer it."""
        with self._lock:
            self.calls.append(call)
            self.open += 1
            self.most_open = max(self.most_open, self.open)
        try:
            reply = self.reply(call)
            if reply.status is None:
                self.closing.wait()
            return reply
        finally:
            with self._lock:
                self.open -= 1

    def ids(self, header: str) -> list[str]:
        """The values of a header, one a call, in order."""
        return [call.headers[header] for call in self.calls]


class _Recording(Quiet):
    server: "_RecordingServer"

    def do_POST(self) -> None:
        """Note the call, then answer."""
        body = self.rfile.read(int(self.headers["content-length"] or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.endpoint.answer(Call(self.command, self.path, headers, body))
        if reply.status is None:
            return
        with suppress(ConnectionError):
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()

    do_GET = do_POST


class _RecordingServer(ThreadingHTTPServer):
    request_queue_size = 200
    endpoint: Endpoint


def _well(call: Call) -> Reply:
    return Reply()


@contextmanager
def receiving(
    reply: Callable[[Call], Reply] = _well, tls: ssl.SSLContext | None = None
) -> Iterator[Endpoint]:
    """Run an `Endpoint` on a free loopback port, by TLS when a context is given."""
    endpoint = Endpoint(reply)
    server = _RecordingServer(("127.0.0.1", 0), _Recording)
    server.endpoint = endpoint
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    endpoint.url = f"http{'s' * (tls is not None)}://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield endpoint
    finally:
        endpoint.closing.set()
        server.shutdown()
        server.server_close()
