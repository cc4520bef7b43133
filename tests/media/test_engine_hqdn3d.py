"""hqdn3d: the same numbers as FFmpeg's program, whatever the format and the strength."""

from pathlib import Path

import av
import pytest

from services.media.engine.filters.hqdn3d import FORMATS, Strength, denoised
from tests.media.filtering import ffmpeg, judged, likeness, piped

# The container of raw frames knows these by no name; of 14 bits the judge converts some.
_TESTED = [
    name
    for name in FORMATS
    if name not in ("yuv440p10le", "yuv440p12le", "yuv422p14le", "yuv444p14le")
]
_NOISY = "testsrc2=s=110x70:r=25,noise=alls=12:allf=t"


def noisy(path: Path, pixel_format: str, frames: int = 6) -> Path:
    """A raw moving picture with noise."""
    made = ["-frames:v", str(frames), "-pix_fmt", pixel_format, "-c:v", "rawvideo"]
    ffmpeg("-f", "lavfi", "-i", _NOISY, *made, path)
    return path


@pytest.mark.parametrize("name", _TESTED)
def test_every_format_is_as_ffmpeg_makes_it(tmp_path: Path, name: str) -> None:
    source = noisy(tmp_path / "in.nut", name)

    _, made = piped(source, denoiser="hqdn3d")

    expected = judged(source, "hqdn3d", name)
    assert len(made) == len(expected) == 6
    for one, other in zip(made, expected, strict=True):
        # Samples of more than 10 bits overflow in FFmpeg near black and white.
        assert min(likeness(one, other)) > (80 if "12" in name or "14" in name else 1000)


@pytest.mark.parametrize("strength", [(1, 9, 2, 20), (12, 3, 18, 1), (60, 200, 254, 90)])
@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "yuv444p16le"])
def test_every_strength_is_as_ffmpeg_makes_it(
    tmp_path: Path, name: str, strength: tuple[float, float, float, float]
) -> None:
    source = noisy(tmp_path / "in.nut", name)
    luma, chroma, luma_time, chroma_time = strength

    with av.open(str(source)) as container:
        frames = container.decode(video=0)
        made = list(denoised(frames, Strength(luma, chroma, luma_time, chroma_time)))

    expected = judged(source, f"hqdn3d={':'.join(map(str, strength))}", name)
    for one, other in zip(made, expected, strict=True):
        assert min(likeness(one, other)) == float("inf")


def test_noise_goes_and_the_picture_stays(tmp_path: Path) -> None:
    clean = tmp_path / "clean.nut"
    still = "testsrc=s=160x120:r=25:n=1,trim=end_frame=1,loop=12:1"
    raw = ["-pix_fmt", "yuv420p", "-c:v", "rawvideo", "-frames:v", "12"]
    ffmpeg("-f", "lavfi", "-i", still, *raw, clean)
    source = tmp_path / "noisy.nut"
    ffmpeg("-i", clean, "-vf", "noise=alls=8:allf=t", *raw, source)

    (_, before), (_, after) = piped(source), piped(source, denoiser="hqdn3d")

    (_, truth) = piped(clean)
    assert likeness(after[-1], truth[-1])[0] > likeness(before[-1], truth[-1])[0] + 2
