"""How much memory a suite takes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from tests.kit.suite import Suite


@contextmanager
def peaks(suite: Suite) -> Iterator[dict[str, int]]:
    """Watch the resident memory of every process of the suite; yields the peak of each."""
    seen: dict[str, int] = {}
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            for process in suite.processes():
                try:
                    name = f"{process.pid} {' '.join(process.cmdline()[1:4])}"
                    seen[name] = max(seen.get(name, 0), process.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()
