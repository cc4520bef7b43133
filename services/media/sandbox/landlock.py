"""Landlock: which files a process may touch, enforced by the Linux kernel (landlock(7))."""

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from services.media.sandbox.libc import check, libc

# The same numbers on every architecture that has them.
_CREATE_RULESET = 444
_ADD_RULE = 445
_RESTRICT_SELF = 446
_VERSION = ctypes.c_uint32(1)
_PATH_BENEATH = ctypes.c_int(1)
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE = 1 << 4, 1 << 5
_MAKE_DIR, _MAKE_FILE, _TRUNCATE = 1 << 7, 1 << 8, 1 << 14
_READ = _READ_FILE | _READ_DIR
_CHANGE = _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_FILE | _TRUNCATE
_OF_A_FILE = _READ_FILE | _WRITE_FILE | _TRUNCATE


def version() -> int:
    """The version of the kernel's Landlock, -1 without one."""
    found: int = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    return found


def restrict(readable: Iterable[Path], scratch: Path) -> None:
    """Leave this process `readable` to read and `scratch` to read and change, nothing else.

    Folders stand for all that is in them. Raises OSError.
    """
    supported = version()
    files = (1 << 13) - 1
    files |= sum(1 << right for right, since in ((13, 2), (14, 3), (15, 5)) if supported >= since)
    network = 0b11 if supported >= 4 else 0
    # Signals and abstract sockets stay within the sandbox.
    scopes = 0b11 if supported >= 6 else 0
    known = struct.pack("QQQ", files, network, scopes)
    attributes = known[: 8 if supported < 4 else 16 if supported < 6 else 24]
    rules = check(
        libc.syscall(
            _CREATE_RULESET,
            attributes,
            ctypes.c_size_t(len(attributes)),
            ctypes.c_uint32(0),
        )
    )
    for path in readable:
        _allow(rules, path, _READ & files)
    _allow(rules, scratch, (_READ | _CHANGE) & files)
    check(libc.syscall(_RESTRICT_SELF, ctypes.c_int(rules), ctypes.c_uint32(0)))
    os.close(rules)


def _allow(rules: int, path: Path, rights: int) -> None:
    if not path.is_dir():
        rights &= _OF_A_FILE
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    rule = struct.pack("=Qi", rights, place)
    check(
        libc.syscall(
            _ADD_RULE,
            ctypes.c_int(rules),
            _PATH_BENEATH,
            rule,
            ctypes.c_uint32(0),
        )
    )
    os.close(place)
