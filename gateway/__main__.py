"""Runs the gateway: `python -m gateway`, settings from `VITASCOPE_*`."""

import asyncio
import logging
import os
import signal

import uvloop

import vitascope
from gateway.addresses import networks
from gateway.admission import Admission
from gateway.app import Gateway
from gateway.channels import Channels
from gateway.routes import files_of
from gateway.server import http_server
from gateway.transcode import Limits
from services.chassis import telemetry
from services.chassis.clients import Clients
from services.chassis.collecting import spare_the_collector
from services.chassis.settings import Settings, load
from vitascope.accounts.v1.internal_pb2_grpc import IdentityServiceStub

GRACE_SECONDS = 10.0
# How long broken-off requests may take to notice.
ABORT_SECONDS = 2.0
# Long, as a client may ask to wait until its tasks have ended; one that leaves ends its call.
CALL_SECONDS = 900.0


async def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; return the exit status, 1 when the server ends by itself.

    Raises OSError when the address is taken, and ValueError for settings that cannot be followed.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    channels = Channels(settings.target_of)
    limits = Limits(settings.request_body_limit, settings.max_upload_bytes, CALL_SECONDS)
    clients = Clients(settings, "gateway")
    admission = Admission(
        clients.stub(IdentityServiceStub), networks(settings.trusted_proxies or "")
    )
    gateway = Gateway(files_of(vitascope), channels, limits, settings.public_url, admission)
    server = http_server(gateway, settings.http_address, settings.tls_certificate, settings.tls_key)
    spare_the_collector()
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not stop.is_set():
        stopping.cancel()
        serving.result()
        return 1
    gateway.end_streams()
    server.stop()  # type: ignore[no-untyped-call]
    await asyncio.wait({serving}, timeout=GRACE_SECONDS)
    if not serving.done():
        gateway.abort()
        await asyncio.wait({serving}, timeout=ABORT_SECONDS)
    await channels.close()
    await clients.close()
    return 0


def main() -> int:
    """Read the settings, set the logs up and serve."""
    settings = load()
    telemetry.setup("gateway", settings)
    stop_metrics = None
    if settings.metrics_address:
        stop_metrics = telemetry.start_metrics(settings.metrics_address)
    try:
        return uvloop.run(run(settings))
    finally:
        if stop_metrics is not None:
            stop_metrics()


if __name__ == "__main__":
    status = main()
    logging.shutdown()
    # Native threads of the HTTP server may still be ending: one that meets an interpreter which
    # takes itself down aborts the process. Nothing is left to do that needs the interpreter.
    os._exit(status)
