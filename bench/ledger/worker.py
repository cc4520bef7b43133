"""The product's worker, with no other operation than the one that does nothing."""

import asyncio
from functools import partial

from bench.ledger import noop
from services.chassis import settings, telemetry
from services.media.sandbox import Sandbox
from services.media.worker import __main__ as worker

if __name__ == "__main__":
    noop.register()
    vars(worker)["Sandbox"] = partial(Sandbox, program=noop.PROGRAM)
    chosen = settings.load()
    telemetry.setup(worker.NAME, chosen)
    asyncio.run(worker.run(chosen))
