"""One transfer of a file by curl, and what it takes of the servers."""

import base64
import json
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.processes import cpu_seconds
from bench.transfer.servers import Server, new_video, token

LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Moved:
    """How a transfer went.

    Bytes, and seconds until curl had its answer; seconds of processor time of all the server's
    processes; by process its resident bytes a quarter of the time after the begin, and at most.
    """

    size: int
    seconds: float
    cpu: float
    memory: Mapping[str, tuple[int, int]]


def download(server: Server, path: str, size: int, headers: Sequence[str] = ()) -> Moved:
    """Fetch a file into nothing. Raises RuntimeError when it is not the size."""
    return _moved(server, size, [*_of(headers), "-o", "/dev/null", server.url + path], "download")


def put(server: Server, file: Path) -> Moved:
    """Store a file by PUT."""
    return _moved(server, file.stat().st_size, ["-T", str(file), f"{server.url}/taken"], "upload")


def upload(server: Server, file: Path) -> tuple[Moved, str]:
    """Store a file in our suite as a form; return the path to fetch it from, too."""
    bearer = token(server.url)
    video = new_video(server.url, bearer)
    form = ["-F", f"file=@{file};type=video/mp4", *_of([f"authorization: Bearer {bearer}"])]
    url = f"{server.url}/media/v1/upload/light/{video}"
    return _moved(server, file.stat().st_size, [*form, url], "upload"), video


def resume(server: Server, path: str, file: Path, video: str = "", bearer: str = "") -> Moved:
    """Store a file by tus, all of it in one PATCH."""
    ours = _of([f"authorization: Bearer {bearer}"]) if bearer else []
    size = file.stat().st_size
    metadata = f"videoId {base64.b64encode(video.encode()).decode()}"
    begin = ["tus-resumable: 1.0.0", f"upload-length: {size}", f"upload-metadata: {metadata}"]
    create = ["curl", "-sS", "-f", "-D", "-", "-X", "POST", *_of(begin), *ours, server.url + path]
    answer = subprocess.run(create, capture_output=True, text=True, check=True).stdout
    location = next(
        line.partition(":")[2].strip()
        for line in answer.splitlines()
        if line.lower().startswith("location:")
    )
    piece = ["tus-resumable: 1.0.0", "upload-offset: 0"]
    piece.append("content-type: application/offset+octet-stream")
    url = location if "://" in location else server.url + location
    send = ["-X", "PATCH", "-T", str(file), *_of(piece), *ours, url]
    return _moved(server, size, send, "upload")


def _moved(server: Server, size: int, arguments: Sequence[str], way: str) -> Moved:
    cpu = -sum(map(cpu_seconds, server.processes.values()))
    form = "%{json}"
    command = ["curl", "-sS", "-f", "-H", "expect:", "-o", "/dev/null", "-w", form, *arguments]
    with _watched(server.processes) as seen:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    cpu += sum(map(cpu_seconds, server.processes.values()))
    if done.returncode:
        raise RuntimeError(f"{command[-1]}: {done.stderr}")
    told = json.loads(done.stdout)
    if told[f"size_{way}"] < size:
        raise RuntimeError(f"{command[-1]}: {told[f'size_{way}']} of {size} bytes")
    memory = {name: _early_and_most(each) for name, each in seen.items()}
    return Moved(size, told["time_total"], cpu, memory)


def _early_and_most(resident: Sequence[int]) -> tuple[int, int]:
    return max(resident[: len(resident) // 4 + 1]), max(resident)


@contextmanager
def _watched(processes: Mapping[str, psutil.Process]) -> Iterator[Mapping[str, list[int]]]:
    """Look at the memory of processes, and of their children, while the block runs."""
    seen: dict[str, list[int]] = {name: [] for name in processes}
    over = threading.Event()

    def look() -> None:
        while True:
            for name, process in processes.items():
                family = [process, *process.children()]
                seen[name].append(sum(each.memory_info().rss for each in family))
            if over.wait(LOOK_SECONDS):
                return

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        over.set()
        looking.join()


def _of(headers: Sequence[str]) -> list[str]:
    return [word for header in headers for word in ("-H", header)]
