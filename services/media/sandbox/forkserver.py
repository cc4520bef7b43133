"""The warm process that forks the children.

It has everything imported, one thread, no network and no secrets, and it
never decodes.
"""

import contextlib
import gc
import json
import os
import selectors
import signal
import socket
from dataclasses import dataclass

from services.media import operations
from services.media.sandbox import child, jail, seccomp

_MESSAGE_BYTES = 4096


@dataclass(frozen=True)
class _Child:
    number: int
    pid: int


def serve(control: socket.socket) -> None:
    """Fork and kill as told until the worker hangs up; then kill what is left."""
    # Once for all children, before anything can have started a thread.
    missing = jail.missing_protections(has_network=not jail.leave_network())
    operations.preload()
    if seccomp.available():
        seccomp.compiled()
    # The collector would write to, and so copy, pages that all children share.
    gc.freeze()
    with selectors.DefaultSelector() as selector, contextlib.suppress(BrokenPipeError):
        control.send(json.dumps({"missing": missing}).encode())
        selector.register(control, selectors.EVENT_READ)
        while _turn(control, selector):
            pass
        # Nobody is there to want what still runs.
        for running in _children(selector):
            _kill(running)


def _turn(control: socket.socket, selector: selectors.BaseSelector) -> bool:
    """Wait for something to happen and see to it; False when the worker is gone."""
    for key, _ in selector.select():
        if isinstance(key.data, _Child):
            _reap(key.data, key.fd, control, selector)
        elif not _obey(control, selector):
            return False
    return True


def _obey(control: socket.socket, selector: selectors.BaseSelector) -> bool:
    """Do what the worker says; False when it is gone."""
    message, descriptors, _, _ = socket.recv_fds(control, _MESSAGE_BYTES, 1)
    if not message:
        return False
    number = json.loads(message)["child"]
    if descriptors:
        pid = _fork(number, descriptors[0], selector)
        control.send(json.dumps({"child": number, "pid": pid}).encode())
    else:
        for running in _children(selector):
            if running.number == number:
                _kill(running)
    return True


def _fork(number: int, line: int, selector: selectors.BaseSelector) -> int:
    server = os.getpid()
    with socket.socket(fileno=line) as wire:
        pid = os.fork()
        if pid == 0:
            child.run(wire, server)
    selector.register(os.pidfd_open(pid), selectors.EVENT_READ, _Child(number, pid))
    return pid


def _reap(
    ended: _Child, pidfd: int, control: socket.socket, selector: selectors.BaseSelector
) -> None:
    # Before the wait the number cannot have been given to another group.
    _kill(ended)
    _, status = os.waitpid(ended.pid, 0)
    selector.unregister(pidfd)
    os.close(pidfd)
    control.send(json.dumps({"child": ended.number, "status": status}).encode())


def _children(selector: selectors.BaseSelector) -> list[_Child]:
    return [key.data for key in selector.get_map().values() if isinstance(key.data, _Child)]


def _kill(running: _Child) -> None:
    """Kill a child that was not waited for yet, and its group once it leads one."""
    os.kill(running.pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
