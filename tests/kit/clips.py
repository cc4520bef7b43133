"""What is in a media file, by decoding all of it."""

from dataclasses import dataclass
from pathlib import Path

import av

CLIPS = Path(__file__).parents[1] / "media" / "clips"
FILM = CLIPS / "big_buck_bunny.mp4"


@dataclass(frozen=True)
class Decoded:
    """Facts of a decoded file. `seconds` counts from the first to the end of the last frame."""

    width: int
    height: int
    frames: int
    seconds: float
    frame_seconds: float
    audio_samples: int


def decode(path: Path) -> Decoded:
    """Decode every frame of the first video and audio stream; errors are raised."""
    times: list[float] = []
    samples = 0
    width = height = 0
    with av.open(str(path)) as container:
        rate = container.streams.video[0].average_rate
        assert rate
        for frame in container.decode(container.streams.video[0], *container.streams.audio[:1]):
            if isinstance(frame, av.VideoFrame):
                assert frame.time is not None
                times.append(frame.time)
                width, height = frame.width, frame.height
            elif isinstance(frame, av.AudioFrame):
                samples += frame.samples
    step = 1 / float(rate)
    return Decoded(width, height, len(times), max(times) - min(times) + step, step, samples)
