"""Sends the request again and again, and notes how long each answer took.

One native generator for all, h2load of nghttp2, because it speaks both HTTP/1.1 and the HTTP/2 of
gRPC and takes little of the two cores. Python's own gRPC client is measured beside it.
"""

import asyncio
import json
import math
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

import grpc

from bench.gateway.processes import METHOD, PATH, Front
from vitascope.accounts.v1.accounts_pb2 import GetAccountRequest
from vitascope.accounts.v1.accounts_pb2_grpc import AccountsServiceStub

if TYPE_CHECKING:
    from vitascope.accounts.v1.accounts_pb2_grpc import AccountsServiceAsyncStub

WARM_UP_SECONDS = 0.5
# What the server cannot answer within this is lost, and ends the run.
_ENOUGH_SECONDS = 60
_RATE = re.compile(r"finished in [\d.]+\w+, ([\d.]+) req/s")
_TOTALS = re.compile(r"(\d+) failed, (\d+) errored, (\d+) timeout")


@dataclass(frozen=True)
class Measured:
    """One measurement: latencies in milliseconds, requests per second.

    `cpu` is the processor time of the front alone, in milliseconds a request: what others do on
    the machine at the same time changes it less than the rest.
    """

    p50: float
    p99: float
    rate: float
    cpu: float


def native(front: Front, concurrency: int, seconds: float, token: str) -> Measured:
    """Measure with h2load. Raises RuntimeError when an answer is not a good one.

    A gRPC server gets one connection with as many streams, as from a gateway; a gateway gets as
    many HTTP/1.1 connections.
    """
    cpu = -front.cpu_seconds()
    with tempfile.TemporaryDirectory() as folder:
        log, body = Path(folder) / "log", Path(folder) / "body"
        body.write_bytes(bytes(5))  # a gRPC frame around an empty message
        streams = ["-c1", f"-m{concurrency}", f"-d{body}", *_headers(**_GRPC)]
        connections = ["--h1", f"-c{concurrency}", "-m1"]
        done = subprocess.run(
            [
                *(
                    "h2load",
                    "-t1",
                    f"-D{seconds * 1000:.0f}ms",
                    f"--warm-up-time={WARM_UP_SECONDS * 1000:.0f}ms",
                ),
                *(streams if front.is_grpc else connections),
                *(f"--log-file={log}", *_headers(authorization=f"Bearer {token}")),
                f"http://{front.address}{METHOD if front.is_grpc else PATH}",
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + _ENOUGH_SECONDS,
        )
        rate, totals = _RATE.search(done.stdout), _TOTALS.search(done.stdout)
        rows = [line.split("\t") for line in log.read_text().splitlines()]
    answered = [row for row in rows if row[1] == "200"]
    # What is on its way when the clock stops is logged without its status.
    cut_off = len(rows) - len(answered)
    if not rate or not totals or any(map(int, totals.groups())) or cut_off > concurrency:
        raise RuntimeError(f"{front.name} did not answer everything:\n{done.stdout}")
    cpu += front.cpu_seconds()
    times = [int(row[2]) / 1000 for row in answered]
    requests = float(rate[1]) * (seconds + WARM_UP_SECONDS)
    p50, p99 = percentile(times, 50), percentile(times, 99)
    return Measured(p50, p99, float(rate[1]), cpu * 1000 / requests)


def python_client(front: Front, concurrency: int, seconds: float, token: str) -> Measured:
    """Measure a gRPC server with grpc.aio. Raises AioRpcError."""
    times: list[float] = []
    cpu = 0.0
    metadata = (("authorization", f"Bearer {token}"),)

    async def ask(stub: "AccountsServiceAsyncStub", until: float) -> None:
        while (started := time.perf_counter()) < until:
            await stub.GetAccount(GetAccountRequest(), metadata=metadata)
            times.append((time.perf_counter() - started) * 1000)

    async def run() -> None:
        nonlocal cpu
        async with grpc.aio.insecure_channel(front.address) as channel:
            stub = AccountsServiceStub(channel)
            for duration in (WARM_UP_SECONDS, seconds):
                times.clear()
                cpu = -front.cpu_seconds()
                until = time.perf_counter() + duration
                await asyncio.gather(*(ask(stub, until) for _ in range(concurrency)))

    asyncio.run(run())
    cpu += front.cpu_seconds()
    p50, p99 = percentile(times, 50), percentile(times, 99)
    return Measured(p50, p99, len(times) / seconds, cpu * 1000 / len(times))


def check(front: Front, token: str) -> None:
    """See that a gateway gives the right answer. Raises ValueError, HTTPError."""
    bearer = {"authorization": f"Bearer {token}"}
    request = Request(f"http://{front.address}{PATH}", headers=bearer)
    with urlopen(request, timeout=10) as answer:  # noqa: S310 -- our own address
        user = json.load(answer)["user"]
    if not user["email"] or not user["authSignaturePublicKey"]:
        raise ValueError(f"{front.name} answers something else: {user}")


def percentile(values: list[float], percent: float) -> float:
    """Return the nearest-rank percentile of one or more values."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


_GRPC = {"content-type": "application/grpc", "te": "trailers"}


def _headers(**headers: str) -> list[str]:
    return [f"-H{name}: {value}" for name, value in headers.items()]
