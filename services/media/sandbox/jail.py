"""What a decoding child may do: little, and nothing to others."""

import os
import resource
import signal
import struct
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

import services
from services.media.operations import Limits
from services.media.sandbox import landlock, seccomp
from services.media.sandbox.libc import check, libc

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522

# Standard error goes to a file too, whatever the operation may write.
_LEAST_FILE_SIZE = 1 << 16
_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share"),
    *("/etc/fonts", "/etc/ld.so.cache", "/etc/localtime", "/dev/null", "/dev/urandom"),
)


def missing_protections() -> list[str]:
    """The protections that this machine cannot give, in words for a log."""
    missing = []
    if landlock.version() < 1:
        missing.append("Landlock: a child can read and write other files of this user")
    if not seccomp.available():
        missing.append("seccomp: a child can use the network and start processes")
    return missing


def enter(readable: Iterable[Path], scratch: Path, limits: Limits) -> None:
    """Confine this process for good: it reads `readable` and its own code, it writes `scratch`.

    Raises OSError when a protection that this machine has cannot be put on.
    """
    _limit_resources(limits)
    _drop_capabilities()
    check(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    if landlock.version() >= 1:
        landlock.restrict([*readable, *_OWN_CODE], scratch)
    if seccomp.available():
        seccomp.deny()


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent, given by process id, ends."""
    check(libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
    # It may have ended before the kernel knew.
    if os.getppid() != parent:
        os._exit(1)


def _limit_resources(limits: Limits) -> None:
    # What is mapped already, shared libraries above all, is not the job's doing.
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _limit(resource.RLIMIT_AS, mapped + limits.memory_bytes)
    _limit(resource.RLIMIT_FSIZE, max(limits.output_bytes, _LEAST_FILE_SIZE))
    _limit(resource.RLIMIT_NOFILE, limits.open_files)
    _limit(resource.RLIMIT_CORE, 0)
    # SIGXCPU at the first limit, SIGKILL a second later for whom that did not end.
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1)


def _limit(which: int, soft: int, hard: int | None = None) -> None:
    _, highest = resource.getrlimit(which)
    if highest == resource.RLIM_INFINITY:
        highest = sys.maxsize
    resource.setrlimit(which, (min(soft, highest), min(hard or soft, highest)))


def _drop_capabilities() -> None:
    """Take from root what would lift the limits again."""
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    none = bytes(24)  # effective, permitted and inheritable, 64 bits each
    check(libc.capset(header, none))


def _own_code() -> list[Path]:
    """Where Python, its packages, and the system's libraries and fonts lie."""
    python = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    paths = map(Path, dict.fromkeys([*python, *services.__path__, *_SYSTEM]))
    return [path for path in paths if path.exists()]


# Once for all children: it takes longer than the rest together.
_OWN_CODE = _own_code()
