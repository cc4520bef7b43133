"""Deinterlacing, scaling, rates and interlacing: each against FFmpeg's program."""

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from av.video.frame import VideoFrame

from services.media.engine.failure import BadMedia
from services.media.engine.filters.planes import Plane, planes
from tests.media.filtering import ffmpeg, judged, likeness, lossless, piped, times
from tests.media.material import FILM

_LINES = {"top_first": "tff", "bottom_first": "bff"}
_SAME = float("inf")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("filters")


@pytest.fixture(scope="module")
def smooth(folder: Path) -> Path:
    """36 progressive frames, 24 a second, of which those at the ends are not alike."""
    return lossless(
        folder / "smooth.nut", FILM, "trim=start=2:end=3.5,setpts=PTS-STARTPTS,scale=320:176"
    )


@pytest.fixture(scope="module", params=["top_first", "bottom_first"])
def fields(request: pytest.FixtureRequest, folder: Path, smooth: Path) -> tuple[Path, str]:
    """18 interlaced frames, 12 a second, and their field order."""
    order: str = request.param
    path = folder / f"{order}.nut"
    if not path.exists():
        lossless(path, smooth, f"interlace=scan={_LINES[order]}:lowpass=off")
    return path, order


def worst(made: list[VideoFrame], expected: list[VideoFrame]) -> float:
    assert len(made) == len(expected)
    return min(min(likeness(one, other)) for one, other in zip(made, expected, strict=True))


@pytest.mark.parametrize(
    ("deinterlacer", "chain"),
    [
        ("yadif", "yadif=mode=send_frame:deint=all"),
        ("bwdif", "bwdif=mode=send_field:deint=all"),
        ("weston3f", "w3fdif=mode=field:deint=all"),
    ],
)
def test_deinterlacers(
    fields: tuple[Path, str], smooth: Path, deinterlacer: str, chain: str
) -> None:
    path, order = fields

    footage, made = piped(path, source_field_order=order, deinterlacer=deinterlacer)

    expected = judged(path, f"{chain}:parity={_LINES[order]}", "yuv420p")
    # At the ends ours have neighbours; between, all is the same.
    assert worst(made[2:-2], expected[2:-2]) == _SAME
    rate = Fraction(24 if deinterlacer != "yadif" else 12)
    assert footage.rate == rate
    assert times(made) == [number / rate for number in range(len(made))]
    assert times(made) == times(expected)
    assert {(frame.duration * footage.clock) for frame in made} == {1 / rate}
    assert not any(frame.interlaced_frame for frame in made)
    _, truth = piped(smooth)
    truth = truth[:: 24 // int(rate)]
    for place in (0, -1):
        ours, theirs = (likeness(frames[place], truth[place])[0] for frames in (made, expected))
        assert ours >= theirs - 0.1
        assert deinterlacer != "bwdif" or ours > theirs + 2


@pytest.mark.parametrize("size", [(160, 88), (426, 240), (640, 352)])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le"])
def test_scaling(smooth: Path, size: tuple[int, int], pixel_format: str) -> None:
    _, made = piped(smooth, width=size[0], height=size[1], pixel_format=pixel_format)

    flags = "bicubic+accurate_rnd+full_chroma_int"
    chain = f"scale={size[0]}:{size[1]}:flags={flags},format={pixel_format}"
    assert worst(made, judged(smooth, chain, pixel_format)) > 60


def test_fields_are_scaled_apart(fields: tuple[Path, str]) -> None:
    path, order = fields
    wishes: dict[str, Any] = {"source_field_order": order, "target_field_order": order}

    footage, made = piped(path, width=480, height=264, **wishes)

    chain = "scale=480:264:interl=1:flags=bicubic+accurate_rnd+full_chroma_int"
    assert worst(made, judged(path, chain, "yuv420p")) > 60
    assert footage.field_order == order
    assert all(frame.interlaced_frame for frame in made)


@pytest.mark.parametrize("order", ["top_first", "bottom_first"])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le"])
def test_interlacing_takes_lines_as_they_are(smooth: Path, order: str, pixel_format: str) -> None:
    footage, made = piped(smooth, target_field_order=order, pixel_format=pixel_format)

    chain = f"format={pixel_format},interlace=scan={_LINES[order]}:lowpass=off"
    expected = judged(smooth, chain, pixel_format)
    assert worst(made, expected) == _SAME
    assert footage.rate == 12
    assert footage.field_order == order
    assert times(made) == [Fraction(number, 12) for number in range(18)]
    assert {frame.duration * footage.clock for frame in made} == {Fraction(1, 12)}
    assert all(frame.interlaced_frame for frame in made)


def test_odd_frame_gives_both_fields(folder: Path, smooth: Path) -> None:
    odd = lossless(folder / "odd.nut", smooth, "trim=end_frame=5")
    _, plain = piped(odd)

    _, made = piped(odd, target_field_order="top_first")

    assert len(made) == 3
    assert min(likeness(made[-1], plain[-1])) == _SAME


def test_deinterlacing_gives_back_what_was_interlaced(fields: tuple[Path, str]) -> None:
    path, order = fields
    wishes: dict[str, Any] = {"source_field_order": order, "target_field_order": order}

    footage, made = piped(path, deinterlacer="bwdif", **wishes)

    _, plain = piped(path)
    assert worst(made, plain) == _SAME
    assert footage.rate == 12


def test_other_field_order_loses_one_field(fields: tuple[Path, str]) -> None:
    path, order = fields
    other = "bottom_first" if order == "top_first" else "top_first"
    wishes: dict[str, Any] = {"source_field_order": order, "target_field_order": other}

    footage, made = piped(path, **wishes)

    expected = judged(path, f"setfield={_LINES[order]},separatefields", "yuv420p")[1:]
    found = [field for frame in made for field in fields_of(frame, other)]
    assert len(made) == 18
    for one, plane in zip(expected, found[:-1], strict=True):
        assert np.array_equal(planes(one)[0], plane)
    assert np.array_equal(found[-1], found[-2])
    assert footage.field_order == other
    assert times(made) == [Fraction(number, 12) for number in range(18)]


def fields_of(frame: VideoFrame, order: str) -> list[Plane]:
    """The lines of luma of both fields, the earlier one's first."""
    top, bottom = planes(frame)[0][::2], planes(frame)[0][1::2]
    return [top, bottom] if order == "top_first" else [bottom, top]


@pytest.mark.parametrize("rate", [Fraction(60000, 1001), Fraction(25), Fraction(10)])
@pytest.mark.parametrize(
    ("converter", "chain"),
    [
        ("fps", "fps={}"),
        ("fblend", "framerate={}:scene=5"),
        ("mcinterpolate", "minterpolate={}:mi_mode=mci:scd=fdiff:scd_threshold=5"),
    ],
)
def test_rates(smooth: Path, converter: str, chain: str, rate: Fraction) -> None:
    if converter == "mcinterpolate" and rate > 30:
        rate = Fraction(30)

    footage, made = piped(smooth, frame_rate_converter=converter, frame_rate=rate)

    assert (footage.rate, footage.constant_rate) == (rate, True)
    assert times(made) == [
        number / rate for number in range(math.floor(rate * 3 / 2 + Fraction(1, 2)))
    ]
    expected = judged(smooth, chain.format(rate), "yuv420p")
    if converter == "mcinterpolate":
        # FFmpeg shows the second frame twice for want of one before the first.
        made, expected = made[2:], expected[2:]
    count = min(len(made), len(expected)) - 3
    assert count >= 10
    assert worst(made[:count], expected[:count]) > 60


@pytest.fixture(scope="module", params=[(16, 235), (40, 60)], ids=["far", "near"])
def cut(request: pytest.FixtureRequest, folder: Path) -> tuple[Path, int, int]:
    """A second of one flat scene at 12 a second, a second of another, and their levels."""
    one, other = request.param
    path = folder / f"cut{one}.nut"
    if not path.exists():
        scene = "color=s=128x96:r=12:d=1,format=yuv420p,geq=lum={}:cb=128:cr=128"
        graph = f"{scene.format(one)}[a];{scene.format(other)}[b];[a][b]concat"
        ffmpeg("-f", "lavfi", "-i", graph, "-c:v", "ffv1", path)
    return path, one, other


@pytest.mark.parametrize("converter", ["fps", "fblend", "mcinterpolate"])
def test_cuts_stay_cuts(cut: tuple[Path, int, int], converter: str) -> None:
    path, one, other = cut

    _, made = piped(path, frame_rate_converter=converter, frame_rate=Fraction(50))

    levels = [int(np.median(planes(frame)[0])) for frame in made]
    assert len(levels) == 100
    assert set(levels) == {one, other}
    assert levels == sorted(levels)
    # The cut is where it was, as near as a frame.
    assert abs(levels.count(one) - 50) <= 3


@pytest.mark.parametrize(
    "pixel_format", ["yuv422p10le", "yuv444p12le", "yuv420p16le", "yuv440p", "yuv410p"]
)
@pytest.mark.parametrize("converter", ["fps", "fblend", "mcinterpolate"])
def test_rates_in_every_depth(smooth: Path, converter: str, pixel_format: str) -> None:
    wishes = {"width": 64, "height": 64, "pixel_format": pixel_format}

    footage, made = piped(smooth, frame_rate_converter=converter, frame_rate=Fraction(48), **wishes)

    _, plain = piped(smooth, **wishes)
    assert footage.pixel_format == pixel_format
    assert len(made) == 72
    assert {frame.format.name for frame in made} == {pixel_format}
    # Eight bits are what mcinterpolate works in.
    assert worst(made[:60:2], plain[:30]) > 48


def test_everything_at_once(fields: tuple[Path, str]) -> None:
    path, order = fields

    footage, made = piped(
        path,
        source_field_order=order,
        deinterlacer="bwdif",
        denoiser="hqdn3d",
        width=256,
        height=144,
        frame_rate_converter="fblend",
        frame_rate=Fraction(50),
        target_field_order="top_first",
    )

    assert footage.rate == 25
    assert footage.field_order == "top_first"
    assert [round(time * 25) for time in times(made)] == list(range(38))


@pytest.mark.parametrize(
    ("size", "wishes"),
    [
        ("2x2", {"source_field_order": "top_first", "deinterlacer": "bwdif"}),
        ("64x16", {"frame_rate_converter": "mcinterpolate", "frame_rate": Fraction(50)}),
    ],
)
def test_too_small_pictures_are_refused(tmp_path: Path, size: str, wishes: dict[str, Any]) -> None:
    path = lossless(tmp_path / "small.nut", f"lavfi:testsrc=s={size}:d=0.2", "null")
    with pytest.raises(BadMedia, match="too small"):
        piped(path, **wishes)


@pytest.mark.parametrize(
    "wishes",
    [
        {"source_field_order": "top_first", "deinterlacer": "bwdif"},
        {"frame_rate_converter": "fblend", "frame_rate": Fraction(50)},
        {"frame_rate_converter": "mcinterpolate", "frame_rate": Fraction(50)},
    ],
)
def test_one_frame_alone_is_enough(tmp_path: Path, wishes: dict[str, Any]) -> None:
    path = lossless(tmp_path / "one.nut", "lavfi:testsrc=s=64x64:r=25", "trim=end_frame=1")
    _, made = piped(path, **wishes)
    assert times(made) == [0, Fraction(1, 50)]
