"""seccomp: which system calls a process may make (seccomp(2)).

Denied by list, not allowed by list: decoders and the C library use other
calls with every release.
"""

import ctypes
import errno
import os
import struct
from functools import cache

from services.media.sandbox.libc import check, libc

try:
    import pyseccomp
except (ImportError, RuntimeError):  # RuntimeError: the wheel is here, libseccomp is not
    pyseccomp = None

_PR_SET_PDEATHSIG = 1
_PR_SET_SECCOMP = 22
_MODE_FILTER = 2
_CLONE_THREAD = 0x10000
# Of a filter (sock_filter): code, two jumps, constant.
_INSTRUCTION_BYTES = 8
_CONSTANT = struct.Struct("=I")
# Higher than process ids go: stands for the one that is not known yet.
_SOME_PROCESS = 0x7FFFFFFF
_DENIED = {
    "network": "socket socketpair connect bind listen accept accept4",
    "programs and processes": "execve execveat fork vfork setsid setpgid unshare setns",
    "signals": "kill tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal",
    "insides of other processes": "ptrace process_vm_readv process_vm_writev process_madvise kcmp"
    " pidfd_open pidfd_getfd",
    "pace of other processes": "setpriority ioprio_set sched_setaffinity sched_setscheduler"
    " sched_setparam sched_setattr",
    "memory shared by name": "shmget msgget semget mq_open",
    "file attributes, which Landlock leaves open": "chmod fchmod fchmodat fchmodat2 chown fchown"
    " lchown fchownat setxattr lsetxattr fsetxattr",
    "mounts": "mount umount2 fsopen move_mount open_tree pivot_root chroot",
    "the machine": "swapon reboot kexec_load init_module finit_module delete_module bpf"
    " perf_event_open fanotify_init userfaultfd",
    "keys": "add_key request_key keyctl",
    "ways around": "open_by_handle_at io_uring_setup io_uring_enter io_uring_register",
}


def available() -> bool:
    """Whether the library that compiles filters is on this machine."""
    return pyseccomp is not None


def deny() -> None:
    """Take from this process the calls that no decoder needs; threads stay possible.

    Asks for PR_SET_NO_NEW_PRIVS before. Raises OSError.
    """
    before, after = compiled()
    instructions = before + _CONSTANT.pack(os.getpid()) + after
    buffer = ctypes.create_string_buffer(instructions, len(instructions))
    program = _Program(len(instructions) // _INSTRUCTION_BYTES, ctypes.addressof(buffer))
    check(libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0))


@cache
def compiled() -> tuple[bytes, bytes]:
    """Return the filter but for the process's own id: what comes before it and what after it.

    To compile it takes longer than all else that confines a child: it is done once for all.
    """
    with os.fdopen(os.memfd_create("filter"), "w+b") as file:
        _calls().export_bpf(file)
        file.seek(0)
        program = file.read()
    before, *rest = program.split(_CONSTANT.pack(_SOME_PROCESS))
    # The constant is the last part of an instruction.
    if len(rest) != 1 or (len(before) + _CONSTANT.size) % _INSTRUCTION_BYTES:
        raise OSError(errno.ENOTSUP, "the filter has no place for the process's own id")
    return before, rest[0]


class _Program(ctypes.Structure):
    """A filter as the kernel takes it (sock_fprog)."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def _calls() -> "pyseccomp.SyscallFilter":
    arg = pyseccomp.Arg
    calls = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    denied = pyseccomp.ERRNO(errno.EPERM)
    for names in _DENIED.values():
        for name in names.split():
            if pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name) != -1:
                calls.add_rule(denied, name)
    # The C library starts threads by clone3 and, told that there is none, by
    # clone, whose flags a filter can see.
    calls.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    calls.add_rule(denied, "clone", arg(0, pyseccomp.MASKED_EQ, _CLONE_THREAD, 0))
    # abort() signals its own process.
    calls.add_rule(denied, "tgkill", arg(0, pyseccomp.NE, _SOME_PROCESS))
    calls.add_rule(denied, "prlimit64", arg(0, pyseccomp.NE, 0))
    calls.add_rule(denied, "prctl", arg(0, pyseccomp.EQ, _PR_SET_PDEATHSIG))
    return calls
