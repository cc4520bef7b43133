"""Does to clean clips what spoils real ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from bench.quality.clips import Planes

_GREY = 128.0
Plane = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Damage:
    """One way to spoil a clip, from not at all to beyond use."""

    name: str
    levels: tuple[float, ...]
    # The metric that it is to lower.
    lowers: str
    spoil: Callable[[Sequence[Planes], float], list[Planes]]
    compresses: bool = False

    def write(self, clip: Sequence[Planes], level: float, target: Path) -> None:
        """Write a clip, spoilt so much; without loss, unless loss is the damage."""
        options = {"crf": str(round(level)), "preset": "medium"} if self.compresses else {}
        codec = "libx264" if self.compresses else "ffv1"
        write(self.spoil(clip, level), target, codec, options)


def _noisy(clip: Sequence[Planes], sigma: float) -> list[Planes]:
    """Add white Gaussian noise to luma; `sigma` is of 255 from black to white."""
    noise = np.random.default_rng(1)
    codes = sigma * 219 / 255
    return [
        (luma + codes * noise.standard_normal(luma.shape, np.float32), *chroma)
        for luma, *chroma in clip
    ]


def _blurred(clip: Sequence[Planes], sigma: float) -> list[Planes]:
    """Blur all planes by a Gaussian of `sigma` pixels of luma."""
    if not sigma:
        return list(clip)
    return [
        (_blur(luma, sigma), *(_blur(each, sigma / 2) for each in chroma)) for luma, *chroma in clip
    ]


def _blur(plane: Plane, sigma: float) -> Plane:
    margin = int(4 * sigma) + 1
    padded = np.pad(plane, margin, mode="symmetric")
    down = np.fft.fftfreq(padded.shape[0])[:, None]
    across = np.fft.rfftfreq(padded.shape[1])
    gain = np.exp(-2 * (np.pi * sigma) ** 2 * (down**2 + across**2))
    blurred = np.fft.irfft2(np.fft.rfft2(padded) * gain, padded.shape)
    return blurred[margin:-margin, margin:-margin].astype(np.float32)


def _paler(clip: Sequence[Planes], saturation: float) -> list[Planes]:
    return [
        (luma, *(_GREY + saturation * (each - _GREY) for each in chroma)) for luma, *chroma in clip
    ]


def _unchanged(clip: Sequence[Planes], _: float) -> list[Planes]:
    return list(clip)


DAMAGES = (
    Damage("noise, sigma of 255", (0, 2, 5, 10, 20, 30, 40), "noise", _noisy),
    Damage("blur, sigma in pixels", (0, 0.5, 1, 1.5, 2, 3, 4, 6), "details", _blurred),
    Damage("H.264, CRF", (18, 23, 28, 33, 38, 43, 47, 51), "details", _unchanged, True),
    Damage("saturation", (1, 0.75, 0.5, 0.25, 0.1, 0), "colors", _paler),
)


def write(clip: Sequence[Planes], target: Path, codec: str, options: dict[str, str]) -> None:
    """Write frames as a video at 25 frames a second."""
    height, width = clip[0][0].shape
    with av.open(str(target), "w") as container:
        added = container.add_stream(
            codec, rate=25, width=width, height=height, pix_fmt="yuv420p", options=options
        )
        stream = cast(VideoStream, added)
        for number, planes in enumerate(clip):
            rows = [
                np.clip(np.rint(each), 0, 255).astype(np.uint8).reshape(-1, width)
                for each in planes
            ]
            frame = VideoFrame.from_ndarray(np.concatenate(rows), "yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
