"""Celery with Redis, in its own environment: the task, and commands.

queue COUNT
round_trips COUNT     prints milliseconds as JSON
"""

import json
import os
import sys
import time

from celery import Celery

URL = os.environ["PEER_REDIS"]
PATIENCE_SECONDS = 30

app = Celery("peer", broker=URL, backend=URL)
app.conf.task_acks_late = True
app.conf.task_reject_on_worker_lost = True
app.conf.broker_connection_retry_on_startup = True


def noop() -> None:
    """Do nothing."""


task = app.task(name="noop")(noop)


def queue(count: int) -> None:
    """Queue tasks."""
    for _ in range(count):
        task.delay()


def round_trips(count: int) -> None:
    """Print how long each of some tasks took, one after the other."""
    times = []
    for _ in range(count):
        started = time.perf_counter()
        task.delay().get(timeout=PATIENCE_SECONDS)
        times.append((time.perf_counter() - started) * 1000)
    print(json.dumps(times))


def main() -> None:
    """Do what the command line says."""
    {"queue": queue, "round_trips": round_trips}[sys.argv[1]](int(sys.argv[2]))
