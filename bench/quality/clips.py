"""Clean clips: moving pictures and stills of the shared collection, made smaller by area.

Halving takes away most of what the clips' own compression did to them.
"""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from PIL import Image

COLLECTION = Path(__file__).parents[3] / "shared" / "media"

CALIBRATION = (
    "video/film_bbb_trailer_720p24_h264_mp3.mp4",
    "video/hevc_foreman_720p24.mp4",
    "video/cars_432p_aac_30s.mp4",
    "video/gopro_karma_480p_data_tracks.mp4",
    "video/fire_rot180_720p_vfr.mp4",
    "video/sign_language_person.mkv",
    "image_photo/kodim03.png",
    "image_photo/noface_coffee.png",
)
HELD_OUT = (
    "video/shuttle_vp8_1080x608.webm",
    "video/pancake_h264.mkv",
    "video/bbb_642x642_vp9_square.webm",
    "video/chaplin_bw.mp4",
    "video/phone_gps_rot90.mov",
    "video/hlg_dolbyvision_iphone_rot90_hevc.mp4",
    "image_photo/noface_prairie_falcon.jpg",
    "image_photo/nikon_e885_1_3mp.jpg",
)

FRAMES = 6
# A clip is halved until it has at most so many pixels.
_PIXELS = 300_000
# Pixels by which the view moves over a still, from frame to frame.
_PAN = 3

Planes = tuple[npt.NDArray[np.float32], ...]
"""Luma and two halved colour differences, in eight bits of limited range."""


def clean(name: str) -> list[Planes]:
    """The frames of a clip of the collection."""
    path = COLLECTION / name
    frames = _panned(path) if name.startswith("image") else _middle(path)
    return [_planes(frame) for frame in frames]


def _middle(path: Path) -> Iterator[VideoFrame]:
    """Frames from a key frame before the middle on, one in three."""
    with av.open(str(path)) as container:
        length = container.duration or 0
        container.seek((container.start_time or 0) + length // 2)
        for number, frame in enumerate(container.decode(video=0)):
            if number == 3 * FRAMES:
                return
            if number % 3 == 0:
                yield frame


def _panned(path: Path) -> Iterator[VideoFrame]:
    image = Image.open(path).convert("RGB")
    width, height = image.width - _PAN * FRAMES, image.height - _PAN * FRAMES
    for number in range(FRAMES):
        at = number * _PAN
        view = image.crop((at, at, at + width // 2 * 2, at + height // 2 * 2))
        yield VideoFrame.from_ndarray(np.asarray(view), "rgb24")


def _planes(frame: VideoFrame) -> Planes:
    width, height = frame.width, frame.height
    while width * height > _PIXELS:
        width, height = width // 2, height // 2
    small = frame.reformat(width // 16 * 16, height // 16 * 16, "yuv420p", interpolation="AREA")
    return tuple(
        np.frombuffer(memoryview(plane), np.uint8)
        .reshape(plane.height, -1)[:, : plane.width]
        .astype(np.float32)
        for plane in small.planes
    )
