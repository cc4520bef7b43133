"""Encodes MP3 by the system's LAME, where it has one."""

import ctypes
from contextlib import suppress

_SYSTEMS_LAME = "libmp3lame.so.0"


def prefer_system_lame() -> None:
    """Let FFmpeg find the system's LAME before the one that PyAV's wheels bring along.

    Theirs was compiled without optimisation: it makes the same bytes in three times the processor
    time. This has to come before PyAV is imported, as symbols are bound when they are first needed.
    """
    with suppress(OSError):
        ctypes.CDLL(_SYSTEMS_LAME, mode=ctypes.RTLD_GLOBAL)
