"""JavaScript clients for tests: packages of npm, fetched once, run by node."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.kit.servers import absent

CACHE = Path.home() / ".cache" / "vitascope"


def with_package(name: str, version: str) -> tuple[str, dict[str, str]]:
    """Return the node program and the environment in which it finds a package.

    See `absent` where there is no node, or the package is not here and npm cannot fetch it.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        absent("no JavaScript clients: no node, no npm")
    folder = CACHE / f"{name}-{version}"
    if not folder.is_dir() and not _fetched(npm, f"{name}@{version}", folder):
        absent(f"{name} is not here and npm cannot fetch it")
    return node, {**os.environ, "NODE_PATH": str(folder / "node_modules")}


def _fetched(npm: str, package: str, folder: Path) -> bool:
    # Two sessions may fetch at once: each into its own folder, the first to finish wins.
    own = folder.with_name(f"{folder.name}.{os.getpid()}")
    own.mkdir(parents=True)
    command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(own), package]
    fetched = subprocess.run(command, capture_output=True, check=False, cwd=own)
    if fetched.returncode == 0 and not folder.is_dir():
        own.rename(folder)
    shutil.rmtree(own, ignore_errors=True)
    return folder.is_dir()
