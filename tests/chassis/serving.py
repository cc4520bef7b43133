"""A process that serves the test servicers: `python -m tests.chassis.serving ADDRESS [FAULT]`."""

import asyncio
import sys

from services.chassis import server
from tests.chassis.servicers import Ledger, register
from tests.kit.identities import Identities, make_settings


async def _forever() -> None:
    await asyncio.Event().wait()


async def _break() -> None:
    raise LookupError("the relay lost its way")


# Whoever ends at once does so long before this.
server.GRACE_SECONDS = 3600.0


async def main(address: str, fault: str) -> None:
    """Serve until a signal comes, beside one background coroutine that ends only with a fault."""

    async def slow() -> None:
        # Submit waits until its process has been told to stop.
        print("submitting", flush=True)
        await asyncio.to_thread(sys.stdin.readline)

    await server.serve(
        "ledger",
        address,
        register(Ledger(slow)),
        Identities().authenticator(),
        settings=make_settings(),
        background=[_break if fault else _forever],
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], "".join(sys.argv[2:])))
