"""Converts one file as the worker and its sandbox do, and prints what that took.

    python -m bench.convert.ours KIND SOURCE FOLDER < SPEC

The spec of a kind, which has one source, comes as JSON. A process that has everything imported
forks those that convert; what is printed is about these. Where the operation splits its work, two
parts are made at a time, as by a worker with two slots, and then joined.
"""

import json
import os
import pickle
import resource
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from google.protobuf.json_format import Parse
from google.protobuf.message import Message

from services.media.operations import Job, SourceFile, Split, operation, preload
from services.media.operations.contract import part_file

_SLOTS = 2
_ANSWER = "answer"


@dataclass
class Run:
    """One run of an operation, in a child."""

    kind: str
    spec: Message
    sources: Mapping[str, SourceFile]
    folder: Path
    parts: Sequence[Message] = ()
    usage: resource.struct_rusage | None = field(default=None)

    def fork(self) -> int:
        """Begin; return the child's process id."""
        self.folder.mkdir(exist_ok=True)
        return os.fork() or self._be_child()

    def answer(self) -> Any:
        """What the child gave: parts, or its message and the paths of its files by name."""
        return pickle.loads((self.folder / _ANSWER).read_bytes())  # noqa: S301 -- our own

    def _be_child(self) -> NoReturn:
        status = 1
        try:
            job = Job(self.spec, self.sources, self.folder, lambda _: None, parts=self.parts)
            done = operation(self.kind).run(job)
            found: object = None
            if isinstance(done, Split):
                found = [(part.kind, part.spec) for part in done.parts]
            else:
                found = done.message, {each.name: each.path for each in done.outputs}
            (self.folder / _ANSWER).write_bytes(pickle.dumps(found))
            status = 0
        except BaseException:  # noqa: BLE001 -- nothing may unwind into the parent's code
            traceback.print_exc()
        finally:
            os._exit(status)


def main() -> int:
    """Convert; return the exit status."""
    kind, source, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    spec = Parse(sys.stdin.read(), operation(kind).spec_type())
    preload()
    began = time.perf_counter()
    found = _convert(kind, spec, source, folder)
    print(json.dumps({"wall": time.perf_counter() - began, **found}))
    return 0


def _convert(kind: str, spec: Message, source: Path, folder: Path) -> dict[str, float]:
    sources = _named(kind, spec, source)
    whole = Run(kind, spec, sources, folder)
    _do([whole])
    runs, parts = [whole], list[Run]()
    answer = whole.answer()
    if isinstance(answer, list):
        for number, (of_part, piece) in enumerate(answer):
            named = _named(of_part, piece, source)
            parts.append(Run(of_part, piece, named, folder / f"part-{number}"))
        _do(parts)
        results = []
        for number, part in enumerate(parts):
            message, files = part.answer()
            results.append(message)
            for name, path in files.items():
                sources[part_file(number, name)] = SourceFile(path, name, None)
        joining = Run(kind, spec, sources, folder, results)
        _do([joining])
        runs += [*parts, joining]
    usages = [each.usage for each in runs if each.usage]
    peaks = sorted(each.usage.ru_maxrss for each in parts if each.usage)[-_SLOTS:]
    most = max(sum(peaks), *(each.ru_maxrss for each in usages))
    cpu = sum(each.ru_utime + each.ru_stime for each in usages)
    return {"cpu": cpu, "bytes": most << 10, "parts": len(parts)}


def _named(kind: str, spec: Message, path: Path) -> dict[str, SourceFile]:
    """The file as the only source of a kind, by the name that the kind gives it."""
    (source,) = operation(kind).sources(spec)
    return {source.name: SourceFile(path, path.name, None)}


def _do(runs: Sequence[Run]) -> None:
    """Do all, two at a time. Raises RuntimeError."""
    waiting, busy = list(runs), dict[int, Run]()
    while waiting or busy:
        while waiting and len(busy) < _SLOTS:
            run = waiting.pop(0)
            busy[run.fork()] = run
        pid, status, usage = os.wait4(-1, 0)
        busy.pop(pid).usage = usage
        if status:
            raise RuntimeError(f"a child ended with {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    sys.exit(main())
