"""The accounts service as a process."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import grpc

from tests.accounts.conftest import EMAIL, House
from tests.chassis.test_serve import free_address
from tests.kit.identities import ENCRYPTION_KEY, INTERNAL_KEY


async def test_users_and_tokens_survive_a_restart(tmp_path: Path) -> None:
    address = free_address()
    environment = {
        "VITASCOPE_INTERNAL_KEY": INTERNAL_KEY,
        "VITASCOPE_ENCRYPTION_KEY": ENCRYPTION_KEY,
        "VITASCOPE_DATABASE_URL": f"sqlite:///{tmp_path}/{{service}}.sqlite",
        "VITASCOPE_ACCOUNTS_ADDRESS": address,
    }
    token = ""
    for start in range(2):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.accounts"), env=os.environ | environment
        )
        async with grpc.aio.insecure_channel(address) as channel:
            await asyncio.wait_for(channel.channel_ready(), 30)
            house = House(channel)
            if start == 0:
                await house.add()
                token = await house.login()
            assert (await house.whoami(token)).user.email == EMAIL

        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0
    assert (tmp_path / "accounts.sqlite").exists()
