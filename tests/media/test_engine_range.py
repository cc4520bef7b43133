"""Parts of videos: the very frames, with their neighbours, found without reading everything."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from services.media.engine.failure import BadMedia
from services.media.engine.opening import opening
from services.media.engine.probe import probe
from services.media.engine.reading import open_video, video_stream
from tests.media.filtering import ffmpeg, likeness, lossless, piped, times
from tests.media.material import FILM, make_video, unheard

_SMALL = ["-an", "-vf", "scale=160:90"]
_LONG_GOPS = [
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-bf",
    "3",
    "-g",
    "60",
    "-sc_threshold",
    "0",
]
_MPEG2 = ["-c:v", "mpeg2video", "-r", "25", "-bf", "2", "-g", "30", "-q:v", "3"]
_KINDS: dict[str, list[str]] = {
    "mp4": _LONG_GOPS,
    "mkv": _LONG_GOPS,
    "ts": _LONG_GOPS,
    "h264": _LONG_GOPS,
    "mpg": _MPEG2,
    "avi": ["-c:v", "mpeg4", "-bf", "2", "-g", "50", "-q:v", "3"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("range")


@pytest.fixture(scope="module", params=_KINDS)
def film(request: pytest.FixtureRequest, folder: Path) -> Path:
    """Six seconds with few places to begin at, and frames that are shown out of order."""
    path = folder / f"film.{request.param}"
    ffmpeg("-i", FILM, *_SMALL, *_KINDS[request.param], path)
    return path


def test_parts_together_are_the_whole(film: Path) -> None:
    _, whole = piped(film)
    cuts = [Fraction(0), Fraction("1.5"), Fraction("1.792"), Fraction("4.333"), None]

    parts = [piped(film, start=a or Fraction(0), end=b)[1] for a, b in pairwise(cuts)]

    assert sum(map(len, parts)) == len(whole)
    assert all(parts)
    for one, other in zip((frame for part in parts for frame in part), whole, strict=True):
        assert min(likeness(one, other)) > 50
    for part in parts[1:]:
        assert times(part)[0] == 0
        spans = [b - a for a, b in pairwise(times(part))]
        assert all(abs(span - Fraction(1, 24)) < Fraction(1, 400) for span in spans)


@pytest.mark.parametrize("place", [0, 1, 59, 60, 61, 142])
def test_positions_are_those_of_frames_in_rounded_milliseconds(film: Path, place: int) -> None:
    _, whole = piped(film)
    when = times(whole)
    position = Fraction(round((when[place] - when[0]) * 1000), 1000)
    following = Fraction(round((when[place + 1] - when[0]) * 1000), 1000)

    _, [only] = piped(film, start=position, end=following)

    assert min(likeness(only, whole[place])) > 50


def test_reading_begins_shortly_before(folder: Path) -> None:
    path = folder / "long.mp4"
    source = "testsrc=s=64x48:r=25:d=120"
    ffmpeg("-f", "lavfi", "-i", source, *_LONG_GOPS, path)
    facts = probe(path, unheard)

    part = opening(path, facts, Fraction(100), Fraction(101), Fraction(1, 25))

    with open_video(path) as reader:
        part.enter(reader)
        stream = video_stream(reader)
        first = next(packet for packet in reader.demux(stream))
    assert first.pts is not None
    assert first.time_base is not None
    # 60 frames lie between two places to begin at.
    assert 100 - 2 * 60 / 25 - 1 <= first.pts * first.time_base <= 100


@pytest.mark.parametrize("deinterlacer", ["yadif", "bwdif", "weston3f"])
def test_cuts_do_not_show_in_what_looks_at_neighbours(folder: Path, deinterlacer: str) -> None:
    path = folder / "fields.nut"
    if not path.exists():
        chain = "scale=160:96,interlace=scan=tff:lowpass=off"
        lossless(path, FILM, chain, "-g", "1")
    wishes: dict[str, Any] = {"source_field_order": "top_first", "deinterlacer": deinterlacer}
    _, whole = piped(path, **wishes)

    _, part = piped(path, start=Fraction(1), end=Fraction(3), **wishes)

    per_second = 12 if deinterlacer == "yadif" else 24
    assert len(part) == 2 * per_second
    for one, other in zip(part, whole[per_second : 3 * per_second], strict=True):
        assert min(likeness(one, other)) == float("inf")


@pytest.mark.parametrize("converter", ["fps", "fblend", "mcinterpolate"])
def test_converted_part_has_the_wholes_frames(folder: Path, converter: str) -> None:
    path = folder / "plain.nut"
    if not path.exists():
        lossless(path, FILM, "trim=end=3,scale=96:64", "-g", "1")
    wishes: dict[str, Any] = {"frame_rate_converter": converter, "frame_rate": Fraction(48)}
    _, whole = piped(path, **wishes)

    footage, part = piped(path, start=Fraction(1), end=Fraction(2), **wishes)

    assert times(part) == [Fraction(number, 48) for number in range(48)]
    assert {frame.duration * footage.clock for frame in part} == {Fraction(1, 48)}
    for one, other in zip(part, whole[48:96], strict=True):
        assert min(likeness(one, other)) > 45


def test_denoised_part_is_denoised_from_its_first_frame(folder: Path) -> None:
    path = folder / "noisy.nut"
    lossless(path, FILM, "trim=end=3,scale=96:64,noise=alls=8:allf=t", "-g", "1")
    _, whole = piped(path, denoiser="hqdn3d")

    _, part = piped(path, start=Fraction(2), denoiser="hqdn3d")

    _, raw = piped(path, start=Fraction(2))
    assert likeness(part[0], whole[48])[0] > 45
    assert likeness(part[0], whole[48])[0] > likeness(raw[0], whole[48])[0] + 6


def test_frame_that_is_still_on_screen_opens_the_part(tmp_path: Path) -> None:
    path = tmp_path / "slides.mkv"
    make_video(path, [0, 1000, 5000, 5040, 9000])

    footage, part = piped(path, start=Fraction(3), end=Fraction(8))

    assert times(part) == [0, 2, Fraction("2.04")]
    assert (part[-1].pts or 0) + part[-1].duration == Fraction(5) / footage.clock
    _, whole = piped(path)
    for one, other in zip(part, whole[1:4], strict=True):
        assert min(likeness(one, other)) == float("inf")


def test_end_beyond_the_end_is_the_end(film: Path) -> None:
    _, whole = piped(film)
    _, part = piped(film, start=Fraction("5.5"), end=Fraction(60))
    assert 0 < len(part) < 15
    assert min(likeness(part[-1], whole[-1])) > 50


def test_part_shorter_than_a_frame_is_one(film: Path) -> None:
    _, whole = piped(film)
    _, [only] = piped(film, start=Fraction("2.501"), end=Fraction("2.505"))
    [expected, *_] = [
        frame
        for frame, time in zip(whole, times(whole), strict=True)
        if time - times(whole)[0] > Fraction("2.5")
    ]
    assert min(likeness(only, expected)) > 50


def test_part_that_is_all_damage_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "in.mp4"
    film = bytearray(FILM.read_bytes())
    # The index stands in front, so that this breaks pictures and sound alone.
    film[len(film) // 2 :] = bytes(len(film) - len(film) // 2)
    source.write_bytes(film)
    with pytest.raises(BadMedia):
        piped(source, start=Fraction(5), end=Fraction("5.5"))


@pytest.mark.parametrize("start", [Fraction("6.1"), Fraction(60)])
def test_part_beyond_the_end_is_refused(start: Fraction) -> None:
    with pytest.raises(BadMedia, match="beyond the end"):
        piped(FILM, start=start)
