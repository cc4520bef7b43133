"""What a decoding child may do: little, and nothing to others."""

import math
import os
import resource
import signal
import struct
import sys
import sysconfig
from pathlib import Path

import services
from services.media.operations import Limits
from services.media.sandbox import landlock, seccomp
from services.media.sandbox.libc import check, libc
from services.media.sandbox.wire import Room

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_CAPABILITY_VERSION_3 = 0x20080522

# Standard error goes to a file too, whatever the operation may write.
_LEAST_FILE_SIZE = 1 << 16
_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share"),
    *("/etc/fonts", "/etc/ld.so.cache", "/etc/localtime", "/dev/null", "/dev/urandom"),
)


def missing_protections(*, has_network: bool) -> list[str]:
    """The protections that this machine cannot give, in words for a log.

    `has_network` tells that the process could not leave the network.
    """
    missing = []
    if landlock.version() < 1:
        missing.append("Landlock: a child can read and write other files of this user")
    if not seccomp.available():
        missing.append("seccomp: a child can start processes and signal those of this user")
        # Either alone keeps a child off the network.
        if has_network:
            missing.append("network namespace: a child can use the network")
    return missing


def leave_network() -> bool:
    """Move this process to a network of its own that leads nowhere; False where it may not.

    Children inherit it for nothing. Containers often forbid it; seccomp alone
    then denies children every socket.
    """
    # Without the privilege, the owner of a user namespace has it there.
    for spaces in (_CLONE_NEWNET, _CLONE_NEWNET | _CLONE_NEWUSER):
        if libc.unshare(spaces) == 0:
            # A new user namespace hides what /proc shows the worker of its children.
            check(libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0))
            return True
    return False


def give_up_rights() -> None:
    """Take from this process, for good, what no item will need. Raises OSError."""
    _drop_capabilities()
    _limit(resource.RLIMIT_CORE, 0)
    check(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    if seccomp.available():
        seccomp.deny()


def confine(room: Room, limits: Limits) -> None:
    """Confine this process for good to a room, its own code and what a kind may use.

    Raises OSError when a protection that this machine has cannot be put on.
    """
    # What is mapped already, shared libraries above all, is not the job's doing.
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _limit(resource.RLIMIT_AS, mapped + limits.memory_bytes)
    # Each file; `watch` looks at all of them together, which the kernel does not.
    _limit(resource.RLIMIT_FSIZE, max(limits.output_bytes, _LEAST_FILE_SIZE))
    # RLIMIT_NPROC would count all processes of this user: seccomp denies
    # processes, and `watch` counts threads.
    _limit(resource.RLIMIT_NOFILE, limits.open_files)
    if landlock.version() >= 1:
        landlock.restrict([room.sources, *room.beyond, *_OWN_CODE], room.scratch)


def allow_processor_seconds(seconds: int) -> None:
    """Have SIGXCPU kill this process after so many seconds more.

    The hard limit stays open for the next item: who raises the soft one meets `watch`.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime) + seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard < 0 else min(soft, hard), hard))


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent, given by process id, ends."""
    check(libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
    # It may have ended before the kernel knew.
    if os.getppid() != parent:
        os._exit(1)


def _limit(which: int, most: int) -> None:
    _, highest = resource.getrlimit(which)
    if highest == resource.RLIM_INFINITY:
        highest = sys.maxsize
    resource.setrlimit(which, (min(most, highest), min(most, highest)))


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
