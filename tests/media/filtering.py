"""Runs the engine's filters, and FFmpeg's program as their judge."""

import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg  # type: ignore[import-untyped]
import numpy as np
from av.video.frame import VideoFrame

from services.media.engine.filters.planes import Plane, planes
from services.media.engine.footage import Footage
from services.media.engine.opening import opening
from services.media.engine.pipeline import Pipeline, lead
from services.media.engine.plan import Filters
from services.media.engine.probe import probe
from services.media.engine.reading import open_video, video_stream
from tests.media.material import unheard


def piped(path: Path, **wishes: Any) -> tuple[Footage, list[VideoFrame]]:
    """What a file's picture becomes before it is encoded; of its own size unless wished else."""
    facts = probe(path, unheard)
    plain = {"width": facts.width, "height": facts.height, "pixel_format": facts.pixels.name}
    filters = Filters(**{**plain, **wishes})
    ahead = (lead(filters) + 1) / facts.average_rate
    part = opening(path, facts, filters.start, filters.end, ahead)
    with open_video(path) as reader:
        stream = video_stream(reader)
        part.enter(reader)
        pipeline = Pipeline(stream, facts, filters, part)
        return pipeline.footage, list(pipeline.frames(p for p in reader.demux(stream) if p.size))


def ffmpeg(*arguments: str | Path) -> None:
    """Run FFmpeg's program."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    command = [program, "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    subprocess.run(command, check=True)


def judged(path: Path, chain: str, pixel_format: str) -> list[VideoFrame]:
    """What FFmpeg's program makes of a file's picture."""
    target = path.with_name(f"judged_{path.stem}.nut")
    made = ["-vf", chain, "-pix_fmt", pixel_format, "-c:v", "rawvideo", "-fps_mode", "passthrough"]
    ffmpeg("-i", path, "-an", *made, target)
    with av.open(str(target)) as container:
        return list(container.decode(video=0))


def lossless(path: Path, source: str | Path, chain: str, *options: str) -> Path:
    """Write FFV1 of a file, or of a source of FFmpeg's own if given as `lavfi:...`."""
    name = str(source)
    read = ["-f", "lavfi", "-i", name[6:]] if name.startswith("lavfi:") else ["-i", name]
    ffmpeg(*read, "-an", "-vf", chain, "-c:v", "ffv1", *options, path)
    return path


def likeness(one: VideoFrame, other: VideoFrame) -> list[float]:
    """PSNR of each plane in decibels; infinite where they are the same."""
    assert (one.format.name, one.width, one.height) == (
        other.format.name,
        other.width,
        other.height,
    )
    white = (1 << one.format.components[0].bits) - 1
    return [_psnr(a, b, white) for a, b in zip(planes(one), planes(other), strict=True)]


def _psnr(one: Plane, other: Plane, white: int) -> float:
    error = float(np.mean((one.astype(np.float64) - other) ** 2))
    return 10 * float(np.log10(white**2 / error)) if error else float("inf")


def times(frames: list[VideoFrame]) -> list[Fraction]:
    """When frames are shown, in seconds."""
    return [(frame.pts or 0) * (frame.time_base or Fraction(0)) for frame in frames]
