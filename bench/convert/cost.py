"""What a conversion takes, and what it made."""

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.json_format import MessageToJson

from bench.convert import ours
from bench.convert.cases import Case
from services.media.engine.reading import open_video, video_stream

LOOK_SECONDS = 0.02
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock and of processor time, user's and system's; bytes at the peak."""

    wall: float
    cpu: float
    bytes: int
    # Into how many pieces the work was split.
    parts: int = 0


@dataclass(frozen=True)
class Made:
    """What has to be the same of a new video, whoever made it, and the bytes of its picture."""

    codec: str
    profile: str | None
    pixel_format: str | None
    size: tuple[int, int]
    frames: int
    bytes: int

    def is_like(self, other: "Made") -> bool:
        """Whether two are the same but for their bytes."""
        mine = self.codec, self.profile, self.pixel_format, self.size, self.frames
        return mine == (other.codec, other.profile, other.pixel_format, other.size, other.frames)


def run_ours(source: Path, folder: Path, case: Case) -> Cost:
    """Convert by our operation into the folder. Raises RuntimeError."""
    command = [sys.executable, "-m", ours.__name__, case.kind, str(source), str(folder)]
    done = subprocess.run(
        command, input=MessageToJson(case.spec), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"our conversion failed:\n{done.stderr[-2000:]}")
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def run_peer(command: list[str | Path], log: Path) -> Cost:
    """Run a program. Raises RuntimeError."""
    began = time.perf_counter()
    with log.open("wb") as words:
        process = subprocess.Popen(command, stderr=words)
    peak, ended = 0, 0
    while not ended:
        # What the kernel tells at the end would count what was there before the program began.
        peak = max(peak, _peak(process.pid))
        time.sleep(LOOK_SECONDS)
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{log.read_text()[-2000:]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, peak)


def made(path: Path) -> Made:
    """What a file holds."""
    with open_video(path) as reader:
        stream = video_stream(reader)
        sizes = [packet.size for packet in reader.demux(stream) if packet.size]
        context = stream.codec_context
        size = context.width, context.height
        name = context.codec.canonical_name
        return Made(name, context.profile, context.pix_fmt, size, len(sizes), sum(sizes))


def _peak(pid: int) -> int:
    found = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) << 10 if found else 0
