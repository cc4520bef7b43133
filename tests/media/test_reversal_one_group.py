"""A long film that can only be decoded from its beginning, backwards."""

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media.converting import REVERSE_V2
from tests.media.filtering import ffmpeg
from tests.media.measure import Samples, luma

WIDTH, HEIGHT = 256, 144
RATE, FRAMES = 5, 3000
FRAME_BYTES = WIDTH * HEIGHT * 3 // 2
FINE = {**REVERSE_V2, "crf": 12, "video_bitrate": 20_000}
# Each frame shows its number: a field for every bit.
ROWS, COLUMNS = 3, 4
FIELD = HEIGHT // ROWS, WIDTH // COLUMNS
BITS = 1 << np.arange(ROWS * COLUMNS)

# Prints by how many bytes the memory of a process grew that reversed a film.
_RUN = f"""
import re, sys
from pathlib import Path
from services.media.engine.reversal import windows
from services.media.operations import preload
from tests.media.converting import ran

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) << 10

preload()
windows._WINDOW_BYTES = {FRAMES // 3 * FRAME_BYTES}
before = peak()
ran("video.reverse", {FINE}, Path(sys.argv[1]), Path(sys.argv[2]))
print(peak() - before)
"""


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Ten minutes of one key frame."""
    raw, path = tmp_path / "film.raw", tmp_path / "film.mp4"
    with raw.open("wb") as file:
        for number in range(FRAMES):
            fields = np.where(number & BITS, 235, 16).astype(np.uint8).reshape(ROWS, COLUMNS)
            file.write(np.kron(fields, np.ones(FIELD, np.uint8)).tobytes())
    size = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE)]
    coded = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-bf", "2"]
    ffmpeg(*size, "-i", raw, *coded, "-g", "100000", "-sc_threshold", "0", path)
    return path


def numbers(path: Path) -> list[int]:
    """What the frames of a file show."""
    with av.open(str(path)) as container:
        return [_number(luma(frame)) for frame in container.decode(video=0)]


def _number(picture: Samples) -> int:
    middles = picture[FIELD[0] // 2 :: FIELD[0], FIELD[1] // 2 :: FIELD[1]]
    return int(BITS @ (middles.reshape(-1) > 128))


def test_one_group_is_reversed_in_little_memory(film: Path, tmp_path: Path) -> None:
    with av.open(str(film)) as container:
        assert sum(packet.is_keyframe for packet in container.demux() if packet.size) == 1
    assert numbers(film) == list(range(FRAMES))
    command = [sys.executable, "-c", _RUN, str(film), str(tmp_path)]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    assert numbers(tmp_path / "reversed.mp4") == list(range(FRAMES))[::-1]
    assert int(run.stdout) < FRAMES * FRAME_BYTES / 2, run.stdout
