"""The folder that an embedded suite lives in, and the settings that follow from it."""

import fcntl
import json
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CLAIM_SECONDS = 0.5
SERVICES = ("accounts", "videos", "media", "tasks")


class HomeInUseError(Exception):
    """Another `vitascope up` runs on the folder."""


@dataclass(frozen=True)
class Home:
    """Where an embedded suite keeps state, keys, logs and the addresses of what runs."""

    root: Path

    @property
    def logs(self) -> Path:
        """One log file a part."""
        return self.root / "logs"

    @property
    def addresses_file(self) -> Path:
        """Addresses of the running parts; there only while they run."""
        return self.root / "run" / "addresses.json"

    def prepare(self) -> None:
        """Make the folders, readable by their owner only."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("db", "storage", "logs", "run", "scratch"):
            (self.root / name).mkdir(mode=0o700, exist_ok=True)

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the folder for one suite; raises HomeInUseError when another has it."""
        with self._lock_file.open("w") as lock:
            # A command that looks whether a suite runs holds the lock for a moment too.
            deadline = time.monotonic() + CLAIM_SECONDS
            while not _locked(lock, fcntl.LOCK_EX):
                if time.monotonic() > deadline:
                    raise HomeInUseError(f"another suite already runs in {self.root}")
                time.sleep(0.01)
            try:
                yield
            finally:
                self.addresses_file.unlink(missing_ok=True)

    def is_running(self) -> bool:
        """Whether a suite holds the folder now."""
        with self._lock_file.open("w") as lock:
            return not _locked(lock, fcntl.LOCK_SH)

    def write_addresses(self, addresses: Mapping[str, str]) -> None:
        """Say where the parts are; whoever reads sees all of it or nothing."""
        fresh = self.addresses_file.with_suffix(".new")
        fresh.write_text(json.dumps(addresses))
        fresh.replace(self.addresses_file)

    def running_addresses(self) -> Mapping[str, str] | None:
        """Where the parts of the running suite are; None when none runs.

        A suite that has only just claimed the folder is waited for.
        """
        while self.is_running():
            try:
                found: dict[str, str] = json.loads(self.addresses_file.read_text())
            except FileNotFoundError:
                time.sleep(0.01)
            else:
                return found
        return None

    @property
    def _lock_file(self) -> Path:
        return self.root / "run" / "lock"

    def keys(self) -> Mapping[str, str]:
        """The suite's own secrets, made on first use and kept."""
        path = self.root / "keys.json"
        if not path.exists():
            names = ("VITASCOPE_INTERNAL_KEY", "VITASCOPE_ENCRYPTION_KEY")
            # Made readable by the owner only, and linked when whole: of two commands that start
            # at once one wins, and neither reads half a file.
            descriptor, fresh = tempfile.mkstemp(dir=self.root)
            with os.fdopen(descriptor, "w") as file:
                json.dump({name: secrets.token_urlsafe(48) for name in names}, file)
            with suppress(FileExistsError):
                path.hardlink_to(fresh)
            Path(fresh).unlink()
        kept: dict[str, str] = json.loads(path.read_text())
        return kept

    def environment(self, addresses: Mapping[str, str]) -> dict[str, str]:
        """The environment of the suite's processes. What the user set already wins."""
        defaults = {
            "VITASCOPE_DATABASE_URL": f"sqlite:///{self.root}/db/{{service}}.sqlite",
            "VITASCOPE_STORAGE_URL": f"file://{self.root}/storage",
            "VITASCOPE_SCRATCH_DIR": str(self.root / "scratch"),
            "VITASCOPE_PUBLIC_URL": f"{rest_scheme()}://{addresses.get('http', 'localhost')}",
        }
        defaults |= {f"VITASCOPE_{name.upper()}_ADDRESS": addresses[name] for name in SERVICES}
        defaults |= {"VITASCOPE_HTTP_ADDRESS": addresses.get("http", "127.0.0.1:0")}
        # One arena a thread keeps memory that was needed once; two are as fast and half as large.
        defaults["MALLOC_ARENA_MAX"] = "2"
        if "broker" in addresses:
            defaults["VITASCOPE_KAFKA_SERVERS"] = addresses["broker"]
        return {**defaults, **self.keys(), **os.environ}


def _locked(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def rest_scheme() -> str:
    """`https` when the user set TLS up, else `http`."""
    return "https" if "VITASCOPE_TLS_CERTIFICATE" in os.environ else "http"


def free_address() -> str:
    """A loopback address that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"
