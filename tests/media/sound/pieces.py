"""Sound with known contents, and what other programs hear in a file."""

import subprocess
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from services.media.operations import REGISTRY, Job, Result, SourceFile
from tests.media.oracles import program

Samples = npt.NDArray[np.float32]

RATE = 48_000


def tones(seconds: float, *hertz: float, rate: int = RATE, loud: float = 0.5) -> Samples:
    """A tone for every channel."""
    times = np.arange(round(seconds * rate)) / rate
    return np.stack([loud * np.sin(2 * np.pi * each * times) for each in hertz]).astype(np.float32)


def write_sound(
    path: Path,
    samples: Samples,
    codec: str,
    *,
    layout: str = "stereo",
    rate: int = RATE,
    options: Mapping[str, str] | None = None,
    encoder: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> Path:
    """Write samples, channels first; the container follows from the name.

    `options` are of FFmpeg's muxer, `encoder` of its encoder.
    """
    with av.open(str(path), "w", container_options=dict(options or {})) as target:
        target.metadata.update(tags or {})
        stream = target.add_stream(codec, rate=rate, layout=layout, options=dict(encoder or {}))
        assert isinstance(stream, AudioStream)
        for start in range(0, samples.shape[1], 1024):
            part = np.ascontiguousarray(samples[:, start : start + 1024])
            frame = AudioFrame.from_ndarray(part, "fltp", layout)
            frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), start
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def heard(path: Path, rate: int, channels: int) -> Samples:
    """All of a file's sound as the program ffmpeg decodes it, channels first."""
    command = [program("ffmpeg"), "-v", "error", "-i", str(path), "-map", "0:a:0", "-f", "f32le"]
    command += ["-ar", str(rate), "-ac", str(channels), "-"]
    run = subprocess.run(command, capture_output=True, check=False, timeout=120)
    return np.frombuffer(run.stdout, np.float32).reshape(-1, channels).T


def run(spec: Any, path: Path, scratch: Path) -> tuple[Result, list[float]]:
    """Run the kind of a spec on a file; its result, and the progress it told."""
    (kind,) = (each for each in REGISTRY.values() if each.spec_type is type(spec))
    told: list[float] = []
    result = kind.run(Job(spec, {"audio": SourceFile(path, "a", None)}, scratch, told.append))
    assert isinstance(result, Result)
    return result, told
