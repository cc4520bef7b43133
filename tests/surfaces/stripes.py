"""An interlaced video whose pixels are not square."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

WIDTH, HEIGHT = 352, 288
PIXEL = Fraction(16, 11)
FRAMES = 25
RATE = 25


def write_stripes(path: Path) -> None:
    """Write a second of MPEG-2, bottom field first."""
    with av.open(str(path), "w", format="mpegts") as container:
        stream = container.add_stream("mpeg2video", rate=Fraction(RATE))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = 4_000_000
        stream.codec_context.sample_aspect_ratio = PIXEL
        stream.codec_context.options = {"flags": "+ildct+ilme"}
        for frame in _woven():
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _woven() -> Iterator[VideoFrame]:
    """Stripes that go on by 6 pixels a field."""
    across = np.arange(WIDTH)
    for number in range(FRAMES):
        luma = np.empty((HEIGHT, WIDTH), np.uint8)
        for field in (0, 1):
            shifted = (across + 6 * (2 * number + 1 - field)) % 64
            luma[field::2] = np.where(shifted < 32, 60, 190)
        chroma = np.full((HEIGHT // 2, WIDTH), 128, np.uint8)
        frame = VideoFrame.from_ndarray(np.vstack([luma, chroma]), format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, RATE)
        yield frame
