"""Measures decoded media: times, likeness, samples."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from PIL import Image

from services.media.engine.reading import video_stream

KEEP = 10

Samples = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shown:
    """The frames of a file as a player shows them."""

    # Seconds.
    times: list[Fraction]
    # When the last frame goes, in seconds.
    end: Fraction
    # Every tenth frame, by its index.
    kept: dict[int, VideoFrame]


@lru_cache(maxsize=4)
def shown(path: Path) -> Shown:
    """Decode all of a file's picture; any damage is an error."""
    times: list[Fraction] = []
    end = Fraction(0)
    kept: dict[int, VideoFrame] = {}
    with av.open(str(path)) as container:
        stream = video_stream(container)
        stream.thread_type = "AUTO"
        for frame in container.decode(stream):
            assert frame.pts is not None
            assert frame.time_base is not None
            if len(times) % KEEP == 0:
                kept[len(times)] = frame
            times.append(frame.pts * frame.time_base)
            end = max(end, (frame.pts + frame.duration) * frame.time_base)
    return Shown(times, end, kept)


def heard(path: Path, index: int = 0) -> tuple[Fraction, Samples]:
    """When a stream of sound starts (seconds), and its samples, channels first."""
    start: Fraction | None = None
    parts = []
    with av.open(str(path)) as container:
        for frame in container.decode(container.streams.audio[index]):
            if start is None and frame.pts is not None and frame.time_base is not None:
                start = frame.pts * frame.time_base
            samples = frame.to_ndarray().astype(np.float64)
            # Packed formats come as one row.
            channels = frame.layout.nb_channels
            parts.append(samples if frame.format.is_planar else samples.reshape(-1, channels).T)
    assert start is not None
    return start, np.concatenate(parts, axis=1)


def luma(frame: VideoFrame) -> Samples:
    """A frame's luma as numbers from 0 to 255, whatever its depth."""
    component = frame.format.components[0]
    plane = frame.planes[0]
    kind = np.dtype("<u2") if component.bits > 8 else np.dtype("u1")
    rows = np.frombuffer(bytes(plane), kind).reshape(plane.height, -1)[:, : plane.width]
    scaled: Samples = rows.astype(np.float64) / (1 << (component.bits - 8))
    return scaled


def resized(picture: Samples, width: int, height: int) -> Samples:
    """A picture scaled bicubically by Pillow: a judge that is not FFmpeg."""
    image = Image.fromarray(picture.astype(np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC), np.float64)


def psnr(one: Samples, other: Samples) -> float:
    """Likeness in decibels of pictures whose white is 255."""
    error = float(np.mean((one - other) ** 2))
    return 10 * float(np.log10(255**2 / max(error, 1e-9)))
