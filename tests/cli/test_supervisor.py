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
def supervise(tmp_path: Path) -> Callable[[str], tuple[Supervisor, Part]]:
    def start(script: str) -> tuple[Supervisor, Part]:
        part = Part("part", [sys.executable, "-c", script], os.environ, rank=0)
        supervisor = Supervisor([part], tmp_path)
        supervisor.start()
        return supervisor, part

    return start


def family(part: Part) -> list[psutil.Process]:
    """The process of a part and all that it started."""
    assert part.process
    head = psutil.Process(part.process.pid)
    return [head, *head.children(recursive=True)]


def assert_gone(processes: list[psutil.Process]) -> None:
    _, left = psutil.wait_procs(processes, timeout=10)
    assert not left


async def until_up(tmp_path: Path, times: int) -> None:
    log = tmp_path / "part.log"
    await wait_for_async(
        lambda: log.exists() and log.read_text().count("up") == times, what=f"{times} starts"
    )


Supervise = Callable[[str], tuple[Supervisor, Part]]


async def test_a_fallen_part_is_started_again(supervise: Supervise, tmp_path: Path) -> None:
    supervisor, part = supervise(SLEEPER)
    await until_up(tmp_path, 1)
    [first] = family(part)
    first.kill()
    await until_up(tmp_path, 2)
    [second] = family(part)
    assert second.pid != first.pid
    await supervisor.stop()
    assert_gone([first, second])


async def test_stop_ends_what_parts_started(supervise: Supervise, tmp_path: Path) -> None:
    supervisor, part = supervise(PARENT)
    await until_up(tmp_path, 2)
    processes = family(part)
    assert len(processes) == 2
    await supervisor.stop()
    assert_gone(processes)


async def test_a_part_that_does_not_listen_is_killed(
    supervise: Supervise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.supervisor.STOP_SECONDS", 0.2)
    supervisor, part = supervise(STUBBORN)
    await until_up(tmp_path, 1)
    processes = family(part)
    await supervisor.stop()
    assert_gone(processes)
