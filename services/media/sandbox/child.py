"""The decoding child: does items one by one in its jail, and says how each went."""

import base64
import errno
import faulthandler
import json
import os
import socket
import tempfile
import traceback
from pathlib import Path
from typing import Any, NoReturn

from google.protobuf.message import Message

from services.media.operations import (
    CHECKPOINT_BYTES,
    PARTIAL_BYTES,
    BadMedia,
    Job,
    Limits,
    Split,
    operation,
)
from services.media.sandbox import jail, wire

_LINE = 3  # the file descriptor of the line to the worker


def run(line: socket.socket, server: int) -> NoReturn:
    """Be the child: never returns. `server` is the process id of the fork server."""
    try:
        os.setsid()
        jail.die_with(server)
        _keep_only(line)
        jail.give_up_rights()
        _serve()
    except BaseException:  # noqa: BLE001 - nothing may unwind into the fork server's own loop
        traceback.print_exc()
    finally:
        os._exit(0)


def _keep_only(line: socket.socket) -> None:
    """Close whatever the fork server has open: control line, other children's lines."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):
        os.dup2(nothing, standard)
    os.dup2(line.fileno(), _LINE)
    os.closerange(_LINE + 1, os.sysconf("SC_OPEN_MAX"))


def _serve() -> None:
    """Do what the worker says until it hangs up."""
    is_confined = False
    while (message := _receive()) is not None:
        limits, room = Limits(**message["limits"]), wire.room_of(message)
        _settle(room.item)
        if not is_confined:
            # All later items are of the same account and kind: same room, same limits.
            jail.confine(room, limits)
            is_confined = True
        jail.allow_processor_seconds(limits.cpu_seconds)
        _answer(_work(message, room.item, limits))


def _work(message: dict[str, Any], scratch: Path, limits: Limits) -> dict[str, Any]:
    doing = operation(message["kind"])
    job = Job(
        doing.spec_type.FromString(base64.b64decode(message["spec"])),
        wire.sources_of(message),
        scratch,
        _progress,
        base64.b64decode(message["state"]),
        _checkpoint,
        _partial,
        wire.parts_of(message),
    )
    try:
        result = doing.run(job)
    except BadMedia as error:
        return _failure(str(error))
    except MemoryError:
        return _failure(f"ran out of memory (limit {limits.memory_bytes >> 20} MiB)")
    except Exception as error:  # noqa: BLE001 - whatever a decoder raises is this job's failure
        traceback.print_exc()
        return _explain(error, limits)
    if isinstance(result, Split):
        return {"split": wire.split(result)}
    return {
        "result": wire.text(result.message.SerializeToString()),
        "outputs": [wire.output(output) for output in result.outputs],
    }


def _settle(scratch: Path) -> None:
    """Make the item's scratch folder the place for everything, crash reports included."""
    os.umask(0o077)
    log = os.open(scratch / wire.ERROR_LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 2)
    os.close(log)
    faulthandler.enable(2)
    os.chdir(scratch)
    tempfile.tempdir = str(scratch)


def _explain(error: Exception, limits: Limits) -> dict[str, Any]:
    code = getattr(error, "errno", None)
    if code == errno.EFBIG:
        return _failure(f"the output grew larger than {limits.output_bytes} bytes")
    if code == errno.ENOSPC:
        return _failure("the worker's disk is full", retryable=True)
    return _failure(f"could not be processed ({type(error).__name__})")


def _failure(message: str, *, retryable: bool = False) -> dict[str, Any]:
    return {"failure": message, "retryable": retryable}


def _progress(percent: float) -> None:
    _answer({"percent": float(percent)})


def _checkpoint(state: bytes) -> None:
    if len(state) > CHECKPOINT_BYTES:
        raise ValueError(f"a state of {len(state)} bytes is too large to save")
    _answer({"state": wire.text(state)})


def _partial(known: Message) -> None:
    result = known.SerializeToString()
    if len(result) > PARTIAL_BYTES:
        raise ValueError(f"a partial result of {len(result)} bytes is too large to tell")
    _answer({"partial": wire.text(result)})


def _answer(message: dict[str, Any]) -> None:
    rest = wire.frame(message)
    while rest:
        rest = rest[os.write(_LINE, rest) :]


def _receive() -> dict[str, Any] | None:
    """What to do next; None when the worker hung up."""
    header = _read(wire.HEADER.size)
    if header is None:
        return None
    (length,) = wire.HEADER.unpack(header)
    body = _read(length)
    if body is None:
        return None
    message: dict[str, Any] = json.loads(body)
    return message


def _read(length: int) -> bytes | None:
    got = b""
    while len(got) < length:
        more = os.read(_LINE, length - len(got))
        if not more:
            return None
        got += more
    return got
