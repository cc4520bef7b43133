"""The suite as processes on PostgreSQL and Apache Kafka, with two ledgers and three workers.

Nobody looks after the processes: a test that ends one starts it again by `revive`.
"""

import asyncio
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from cli.home import SERVICES, Home
from tests.kit.kafka import Kafka, local_kafka
from tests.kit.postgres import Postgres, create_database, fetch, local_postgres
from tests.kit.servers import Server, free_port, started
from tests.kit.suite import Whole
from tests.kit.waiting import wait_for

LEDGERS, WORKERS = 2, 3


class Cluster(Whole):
    """PostgreSQL, Apache Kafka and all parts, each a process of its own. Use as a context."""

    postgres: Postgres
    kafka: Kafka

    def __init__(self, data: Path) -> None:
        super().__init__(data)
        self._home = Home(data)
        self._stack = ExitStack()
        self._parts: list[Server] = []
        self._asking = threading.Lock()
        self._reviving = threading.Lock()

    def start(self) -> None:
        """Start the servers and all parts, and wait until REST answers."""
        self._home.prepare()
        with ExitStack() as stack:
            stack.enter_context(self._home.claimed())
            self.postgres = stack.enter_context(local_postgres())
            (self.data / "kafka").mkdir()
            self.kafka = stack.enter_context(started(local_kafka(self.data / "kafka")))
            for service in SERVICES:
                asyncio.run(create_database(self.postgres.address, service))
            self._parts = self._plan()
            stack.callback(self._end_parts)
            self.revive()
            wait_for(self._answers, seconds=60, what="REST to answer")
            self._stack = stack.pop_all()

    def stop(self) -> int:
        """Stop the parts, workers first, then the servers; returns the worst exit status."""
        self._stack.close()
        self._see_all_gone()
        return max(abs(int(part.process.returncode)) for part in self._parts)

    def ask(self, service: str, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query to a service's PostgreSQL database."""
        with self._asking:
            return asyncio.run(fetch(f"{self.postgres.address}/{service}", query))

    def cut_power(self, server: Server) -> None:
        """Kill -9 PostgreSQL or Kafka and start it again."""
        with self._asking:
            server.kill()
            server.start()

    def revive(self) -> None:
        """Start the parts that do not run. Several threads may ask; a part is started once."""
        with self._reviving:
            for part in self._parts:
                if not part.runs:
                    part.launch()

    def _plan(self) -> list[Server]:
        addresses = {name: f"127.0.0.1:{free_port()}" for name in (*SERVICES, "http")}
        ledgers = [f"127.0.0.1:{free_port()}" for _ in range(LEDGERS)]
        addresses["tasks"] = ",".join(ledgers)
        self._home.write_addresses(addresses | {"broker": self.kafka.address})
        self.url = f"http://{addresses['http']}"
        self._environment |= {
            "VITASCOPE_DATABASE_URL": f"{self.postgres.address}/{{service}}",
            "VITASCOPE_KAFKA_SERVERS": self.kafka.address,
            "VITASCOPE_ALLOW_LOOPBACK_SOURCES": "true",
        }
        modules = [f"services.{name}" for name in SERVICES if name != "tasks"] + ["gateway"]
        return [
            *(self._part(module, 1, addresses) for module in modules),
            *(
                self._part("services.tasks", number, addresses | {"tasks": ledger})
                for number, ledger in enumerate(ledgers, 1)
            ),
            *(
                self._part("services.media.worker", number, addresses)
                for number in range(1, WORKERS + 1)
            ),
        ]

    def _part(self, module: str, number: int, addresses: Mapping[str, str]) -> Server:
        return Server(
            [sys.executable, "-m", module],
            self.data / "logs" / f"{module}-{number}.log",
            ready=lambda: True,
            environment=self._home.environment(addresses)
            | self._environment
            | {"VITASCOPE_WORKER_ID": f"worker-{number}"},
        )

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz").is_success
        except httpx.TransportError:
            return False

    def _end_parts(self) -> None:
        for part in reversed(self._parts):
            if part.runs:
                part.stop()
