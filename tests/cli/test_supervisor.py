"""Processes are kept running, and ended with all that they started."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from cli.supervisor import Part, Supervisor
from tests.kit.waiting import wait_for_async

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEPER!r}]); {SLEEPER}"


@pytest.fixture
def supervise(tmp_path: Path) -> Callable[[str], Supervisor]:
    def start(script: str) -> Supervisor:
        part = Part("part", [sys.executable, "-c", script], os.environ, rank=0)
        return Supervisor([part], tmp_path)

    return start


def children() -> list[psutil.Process]:
    return [p for p in psutil.Process().children(recursive=True) if p.status() != "zombie"]


async def test_a_fallen_part_is_started_again(
    supervise: Callable[[str], Supervisor], tmp_path: Path
) -> None:
    supervisor = supervise(SLEEPER)
    supervisor.start()
    log = tmp_path / "part.log"
    await wait_for_async(lambda: log.exists() and "up" in log.read_text(), what="the first start")
    [first] = children()
    first.kill()
    await wait_for_async(lambda: log.read_text().count("up") == 2, what="the second start")
    [second] = children()
    assert second.pid != first.pid
    await supervisor.stop()
    assert children() == []


async def test_stop_ends_what_parts_started(
    supervise: Callable[[str], Supervisor], tmp_path: Path
) -> None:
    supervisor = supervise(PARENT)
    supervisor.start()
    log = tmp_path / "part.log"
    await wait_for_async(
        lambda: log.exists() and log.read_text().count("up") == 2, what="parent and child"
    )
    family = children()
    assert len(family) == 2
    await supervisor.stop()
    _, left = psutil.wait_procs(family, timeout=10)
    assert not left


async def test_a_part_that_does_not_listen_is_killed(
    supervise: Callable[[str], Supervisor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.supervisor.STOP_SECONDS", 0.2)
    supervisor = supervise(STUBBORN)
    supervisor.start()
    log = tmp_path / "part.log"
    await wait_for_async(lambda: log.exists() and "up" in log.read_text(), what="the start")
    await supervisor.stop()
    assert children() == []
