"""Media for the engine's tests: files made with known contents, and the shared collection."""

import csv
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

CLIPS = Path(__file__).parent / "clips"
FILM = CLIPS / "big_buck_bunny.mp4"
SIDEWAYS = CLIPS / "bunny_sideways.jpg"
COLLECTION = Path(__file__).parents[3] / "shared" / "media"
# Pictures that move are videos.
MOVING = ("image/gif_animated_loop3.gif", "image/gif_newtonscradle_36f.gif")

MILLISECOND = Fraction(1, 1000)


def collection(*prefixes: str, without: tuple[str, ...] = ()) -> list[object]:
    """Files of the shared collection as test parameters; one skipped one when it is absent."""
    manifest = COLLECTION / "MANIFEST.tsv"
    if not manifest.exists():
        absent = pytest.mark.skip(reason="../shared/media is not there")
        return [pytest.param("", marks=absent, id="absent")]
    with manifest.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    names = [row["path"] for row in rows if row["path"].startswith(prefixes)]
    return [pytest.param(name, id=name) for name in names if name not in without]


def unheard(percent: float) -> None:
    """Progress that a test does not look at."""


def picture(index: int, width: int, height: int) -> VideoFrame:
    """A smooth picture that is another one for every index."""
    across = np.linspace(0, 2 * np.pi, width)
    down = np.linspace(0, 2 * np.pi, height)[:, None]
    red = 128 + 90 * np.sin(across + index / 7) * np.ones_like(down)
    green = 128 + 90 * np.cos(down + index / 5) * np.ones_like(across)
    blue = 128 + 60 * np.sin(across * 2 + down + index / 3)
    pixels = np.stack([red, green, blue], axis=-1).astype(np.uint8)
    return VideoFrame.from_ndarray(pixels, format="rgb24")


def make_video(
    path: Path,
    times: Sequence[int],
    *,
    size: tuple[int, int] = (160, 120),
    codec: str = "mpeg4",
    sound: str | None = None,
    sound_start: int = 0,
) -> None:
    """Write a video whose frames show at `times`, with a second of tone from `sound_start`, in ms.

    The container follows from the file's name; `sound` is FFmpeg's name of a codec.
    """
    width, height = size
    with av.open(str(path), "w") as target:
        video = target.add_stream(codec, rate=25, width=width, height=height)
        assert isinstance(video, VideoStream)
        video.bit_rate = 4_000_000
        video.codec_context.time_base = MILLISECOND
        audio = target.add_stream(sound, rate=48_000, layout="stereo") if sound else None
        for index, time in enumerate(times):
            frame = picture(index, width, height).reformat(format="yuv420p")
            frame.pts, frame.time_base = time, MILLISECOND
            frame.pict_type = PictureType.NONE
            target.mux(video.encode(frame))
        target.mux(video.encode(None))
        if audio is not None:
            assert isinstance(audio, AudioStream)
            for heard in tone(sound_start):
                target.mux(audio.encode(heard))
            target.mux(audio.encode(None))


def tone(start: int) -> list[AudioFrame]:
    """A second of 440 Hz in stereo at 48 kHz, from `start` ms."""
    seconds = np.arange(48_000) / 48_000
    wave = (8000 * np.sin(2 * np.pi * 440 * seconds)).astype(np.int16)
    frames = []
    for offset in range(0, wave.size, 960):
        both = np.repeat(wave[offset : offset + 960], 2).reshape(1, -1)
        frame = AudioFrame.from_ndarray(both, format="s16", layout="stereo")
        frame.sample_rate, frame.time_base = 48_000, Fraction(1, 48_000)
        frame.pts = start * 48 + offset
        frames.append(frame)
    return frames


def make_sound(path: Path) -> None:
    """Write a second of tone, alone."""
    with av.open(str(path), "w") as target:
        audio = target.add_stream("aac", rate=48_000, layout="stereo")
        for frame in tone(0):
            target.mux(audio.encode(frame))
        target.mux(audio.encode(None))
