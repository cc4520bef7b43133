"""Runs these kinds on a file, and numbers frames so that pictures tell which they are."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from services.media.operations import REGISTRY, Job, Result, SourceFile

# Grey levels of the halves of a numbered picture stand this far apart.
_STEP = 12
_LEVELS = 18
MILLISECOND = Fraction(1, 1000)


def run(spec: Any, path: Path, scratch: Path) -> Result:
    """What a kind makes of a file; its progress must rise."""
    (kind,) = (each for each in REGISTRY.values() if each.spec_type is type(spec))
    (source,) = kind.sources(spec)
    told: list[float] = []
    files = {source.name: SourceFile(path, path.name, None)}
    result = kind.run(Job(spec, files, scratch, told.append))
    assert isinstance(result, Result)
    assert told == sorted(told)
    assert told[-1] <= 100
    return result


def picture(result: Result) -> Image.Image:
    """The picture that was made."""
    (output,) = result.outputs
    with Image.open(output.path) as image:
        image.load()
        assert output.content_type == f"image/{str(image.format).lower()}"
        return image.convert("RGB")


def number(image: Image.Image) -> int:
    """Which frame of a numbered film a picture shows."""
    values = np.asarray(image.convert("L"), np.float64)
    middle = values[values.shape[0] // 2]
    left, right = middle[: middle.size // 3].mean(), middle[-(middle.size // 3) :].mean()
    high, low = (round((value - 20) / _STEP) for value in (left, right))
    return int(high * _LEVELS + low)


def numbered(
    path: Path, times: Sequence[int], *, group: int = 250, codec: str = "libx264", **options: str
) -> Path:
    """Write a film whose frames show at `times`, in ms, each with its number as levels of grey."""
    with av.open(str(path), "w") as target:
        stream = target.add_stream(codec, rate=25, width=96, height=64, options=options)
        assert isinstance(stream, VideoStream)
        stream.codec_context.gop_size = group
        stream.codec_context.time_base = MILLISECOND
        for index, time in enumerate(times):
            frame = VideoFrame.from_ndarray(_numbered(index), format="gray").reformat(
                format="yuv420p"
            )
            frame.pts, frame.time_base = time, MILLISECOND
            frame.pict_type = PictureType.NONE
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def _numbered(index: int) -> Any:
    high, low = divmod(index, _LEVELS)
    pixels = np.empty((64, 96), np.uint8)
    pixels[:, :48], pixels[:, 48:] = 20 + high * _STEP, 20 + low * _STEP
    return pixels
