"""5,000 idle connections and 200 that drip: the others do not wait for them.

Two gateways run side by side, one with the crowd and one without, and are measured in turns: what
else the machine does hits both alike.
"""

import asyncio
import math
import resource
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tests.kit.identities import ENCRYPTION_KEY, INTERNAL_KEY
from tests.kit.servers import absent, free_port, listens, running

IDLE, SLOW = 5000, 200
OPENED_AT_ONCE = 100
ROUNDS, ASKERS, REQUESTS = 9, 8, 400
ATTEMPTS = 3
# A pause of the machine itself is no longer than this, and as likely in either gateway.
PAUSE_SECONDS = 0.005
# Answered by the gateway alone: no service's own pauses are measured.
REQUEST = b"GET /nothing HTTP/1.1\r\nHost: gateway\r\n\r\n"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def allow_files(number: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < number:
        absent(f"a process may only open {hard} files here, {number} are needed")
    if soft != resource.RLIM_INFINITY and soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))


@contextmanager
def gateway(folder: Path) -> Iterator[int]:
    """Run a gateway whose soft limit of open files is the usual 1,024; yield its port."""
    port = free_port()
    settings = (
        f"VITASCOPE_INTERNAL_KEY={INTERNAL_KEY}",
        f"VITASCOPE_ENCRYPTION_KEY={ENCRYPTION_KEY}",
        f"VITASCOPE_HTTP_ADDRESS=127.0.0.1:{port}",
    )
    command = ["prlimit", "--nofile=1024:", "env", *settings, sys.executable, "-m", "gateway"]
    with running(command, folder / f"{port}.log", lambda: listens(port)):
        yield port


async def ask(connection: Connection, request: bytes = REQUEST) -> None:
    """Send a request, or the rest of one, and read the whole answer."""
    reader, writer = connection
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404"), head
    [length] = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    await reader.readexactly(int(length.partition(b":")[2]))


async def p99(port: int) -> float:
    """Seconds that one in a hundred requests exceeds, of several askers at once."""
    times: list[float] = []

    async def asker() -> None:
        connection = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(REQUESTS // ASKERS):
            started = time.perf_counter()
            await ask(connection)
            times.append(time.perf_counter() - started)
        await close([connection])

    await asyncio.gather(*(asker() for _ in range(ASKERS)))
    return sorted(times)[math.ceil(len(times) * 0.99) - 1]


async def opened(port: int, number: int) -> list[Connection]:
    """Open connections, each of which has had one answer."""
    turn = asyncio.Semaphore(OPENED_AT_ONCE)

    async def one() -> Connection:
        async with turn:
            connection = await asyncio.open_connection("127.0.0.1", port)
            await ask(connection)
            return connection

    return list(await asyncio.gather(*(one() for _ in range(number))))


async def close(connections: list[Connection]) -> None:
    for _, writer in connections:
        writer.close()
    await asyncio.gather(*(w.wait_closed() for _, w in connections), return_exceptions=True)


async def drip(connections: list[Connection]) -> None:
    """Send every connection a byte a second of a header that does not end."""
    for _, writer in connections:
        writer.write(b"GET /nothing HTTP/1.1\r\nHost: gateway\r\nX-Slow: ")
    while True:
        for _, writer in connections:
            writer.write(b"x")
        await asyncio.sleep(1)


@asynccontextmanager
async def crowd(port: int) -> AsyncIterator[None]:
    """Hold the idle and the slow connections; all of them still work in the end."""
    idle, slow = await opened(port, IDLE), await opened(port, SLOW)
    dripping = asyncio.create_task(drip(slow))
    yield
    dripping.cancel()
    await asyncio.gather(*(ask(each, b"\r\n\r\n") for each in slow))
    await asyncio.gather(*(ask(each) for each in idle[:: IDLE // 100]))
    await close([*idle, *slow])


async def compare(crowded: int, empty: int) -> tuple[float, float]:
    """The p99 in seconds with the crowd and without, medians of rounds in turns."""
    found: dict[int, list[float]] = {crowded: [], empty: []}
    for _ in range(ROUNDS):
        for port, times in found.items():
            times.append(await p99(port))
    return statistics.median(found[crowded]), statistics.median(found[empty])


async def test_idle_and_slow_connections_do_not_hold_the_others_up(tmp_path: Path) -> None:
    allow_files(IDLE + SLOW + 500)
    with gateway(tmp_path) as crowded, gateway(tmp_path) as empty:
        async with crowd(crowded):
            for _ in range(ATTEMPTS):
                with_crowd, without = await compare(crowded, empty)
                if with_crowd <= 2 * without + PAUSE_SECONDS:
                    return
            raise AssertionError(f"p99 {with_crowd:.4f} s with the crowd, {without:.4f} s without")
