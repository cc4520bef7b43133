"""Logs keep secrets, metrics are served, traces are passed on."""

import asyncio
import io
import json
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.sdk.trace import TracerProvider

from services.chassis import telemetry
from tests.chassis.test_serve import free_address
from tests.kit.waiting import wait_for_async


def test_credentials_are_masked_at_any_depth() -> None:
    event = {
        "event": "login",
        "email": "ann@example.com",
        "password": "p",
        "headers": {"Authorization": "Bearer x", "x-api-key": "k", "accept": "*/*"},
        "api_request_signature_secret": "s",
        "jwtToken": "t",
    }
    assert telemetry.mask_secrets(None, "", event) == {
        "event": "login",
        "email": "ann@example.com",
        "password": telemetry.MASK,
        "headers": {"Authorization": telemetry.MASK, "x-api-key": telemetry.MASK, "accept": "*/*"},
        "api_request_signature_secret": telemetry.MASK,
        "jwtToken": telemetry.MASK,
    }


def test_metrics_are_served_until_stopped() -> None:
    address = free_address()
    telemetry.RPC_SECONDS.labels("/a.B/C", "OK").observe(0.1)
    stop = telemetry.start_metrics(address)
    with urllib.request.urlopen(f"http://{address}/metrics") as answer:
        text = answer.read().decode()
    assert 'vitascope_rpc_seconds_count{code="OK",method="/a.B/C"} 1.0' in text
    assert "process_resident_memory_bytes" in text
    stop()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://{address}/metrics")


def test_without_a_collector_the_trace_is_only_passed_on() -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with telemetry.span("/a.B/C", parent):
        assert telemetry.traceparent() == parent


def test_with_a_collector_the_trace_goes_on_in_a_span_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(telemetry, "_tracer", TracerProvider().get_tracer("test"))
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with telemetry.span("/a.B/C", parent):
        own = telemetry.traceparent()
    assert own.split("-")[1] == parent.split("-")[1]
    assert own.split("-")[2] != parent.split("-")[2]


LOGGING = """
import logging
import structlog
from services.chassis import telemetry
from tests.kit.identities import make_settings

telemetry.setup("accounts", make_settings(log_level="info"))
telemetry.set_request_id("r-1")
log = structlog.stdlib.get_logger("a.module")
log.debug("too small")
log.info("rpc", password="p", count=2)
structlog.get_logger().warning("nameless")
logging.getLogger("a.library").warning("told by %s", "logging")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("failed", what=object)
"""


def test_every_line_is_json_whoever_writes_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOGGING], capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["rpc", "nameless", "told by logging", "failed"]
    assert all((line["service"], line["request_id"]) == ("accounts", "r-1") for line in lines)
    assert [line["logger"] for line in lines] == ["a.module", "", "a.library", "a.module"]
    assert [line["level"] for line in lines] == ["info", "warning", "warning", "error"]
    assert (lines[0]["password"], lines[0]["count"]) == (telemetry.MASK, 2)
    assert "ZeroDivisionError" in lines[3]["exception"]


LIBRARIES = """
import sys
import httpx
from services.chassis import telemetry
from tests.kit.identities import make_settings

telemetry.setup("media", make_settings(log_level="debug"))
httpx.get(sys.argv[1] + "/?X-Amz-Signature=private", headers={"authorization": "private"})
"""


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("location", "http://example.org/private")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_libraries_tell_nobody_what_they_asked_and_were_answered() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        command = [sys.executable, "-c", LIBRARIES, url]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
    assert "private" not in done.stderr


async def test_lines_wait_for_each_other_but_not_for_long() -> None:
    written = io.StringIO()
    stderr = telemetry._Stderr()
    stderr.setStream(written)
    lines = telemetry._Lines(stderr)
    lines.info("1")
    lines.info("2")
    assert written.getvalue() == ""
    await wait_for_async(lambda: written.getvalue() == "1\n2\n", what="the lines")
    lines.info("3")
    lines.warning("4")
    assert written.getvalue() == "1\n2\n3\n4\n"
    lines.info("5")
    await asyncio.to_thread(lines.info, "from a thread")
    assert written.getvalue().endswith("5\nfrom a thread\n")


ENDING = """
import asyncio
import structlog
from services.chassis import telemetry
from tests.kit.identities import make_settings

async def main():
    log = structlog.stdlib.get_logger("a.module")
    log.info("written")
    log.info("last words")

telemetry.setup("accounts", make_settings(log_level="info"))
asyncio.run(main())
"""


def test_a_process_that_ends_writes_what_waits() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDING], capture_output=True, text=True, check=True
    )
    lines = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert lines == ["written", "last words"]
