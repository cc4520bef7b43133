"""seccomp: which system calls a process may make (seccomp(2)).

Denied by list, not allowed by list: decoders and the C library use other
calls with every release.
"""

import errno
import os

try:
    import pyseccomp
except (ImportError, RuntimeError):  # RuntimeError: the wheel is here, libseccomp is not
    pyseccomp = None

_PR_SET_PDEATHSIG = 1
_CLONE_THREAD = 0x10000
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
    calls.add_rule(denied, "tgkill", arg(0, pyseccomp.NE, os.getpid()))
    calls.add_rule(denied, "prlimit64", arg(0, pyseccomp.NE, 0))
    calls.add_rule(denied, "prctl", arg(0, pyseccomp.EQ, _PR_SET_PDEATHSIG))
    calls.load()
