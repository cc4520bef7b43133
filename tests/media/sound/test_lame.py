"""Whose LAME makes MP3."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

from tests.kit.servers import absent

_ENCODE = """
import services.media.engine
import av
import numpy as np
with av.open("sound.mp3", "w") as target:
    stream = target.add_stream("libmp3lame", rate=44100, layout="mono")
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), "fltp", "mono")
    frame.sample_rate = 44100
    target.mux(stream.encode(frame))
    target.mux(stream.encode(None))
"""


def test_the_systems_lame_encodes_where_there_is_one(tmp_path: Path) -> None:
    """PyAV's own makes the same in three times the time."""
    try:
        ctypes.CDLL("libmp3lame.so.0")
    except OSError:
        absent("the system has no LAME: Debian has it in libmp3lame0")
    # The loader says which library each name was found in.
    told = {"LD_DEBUG": "bindings", "LD_DEBUG_OUTPUT": str(tmp_path / "bindings")}
    environment = os.environ | told | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", _ENCODE], cwd=tmp_path, env=environment, check=True)
    lines = [
        line
        for file in tmp_path.glob("bindings.*")
        for line in file.read_text().splitlines()
        if "libavcodec" in line.partition(" to ")[0] and "`lame_encode_buffer_float'" in line
    ]
    assert lines
    assert all("/libmp3lame.so.0 " in line for line in lines), lines
