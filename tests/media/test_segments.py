"""Films made in stretches: nobody can tell them from those that were made at once."""

import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg  # type: ignore[import-untyped]
import numpy as np
import pytest

from services.media.engine.plan import Encoding, Filters
from services.media.engine.probe import probe
from services.media.engine.segments import Stretch, join, make_stretch
from services.media.engine.transcode import transcode
from tests.media.filtering import ffmpeg, lossless
from tests.media.material import FILM, make_video, unheard
from tests.media.measure import Samples, luma, psnr, shown

SIZE = 160, 96
FFV1 = Encoding("mov", "ffv1")
CUTS = (Fraction("1.75"), Fraction("3.5"))
X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "3", "-g", "20"]

Packets = list[tuple[int, int, int, int, bool, bytes]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("segments")


@pytest.fixture(scope="module")
def film(folder: Path) -> Path:
    """Six seconds with sound, and frames that are shown out of order."""
    path = folder / "film.mp4"
    ffmpeg("-i", FILM, "-vf", "scale=160:96", *X264, path)
    return path


@pytest.fixture(scope="module")
def fields(folder: Path) -> Path:
    """Six seconds of 12 interlaced frames."""
    chain = "scale=160:96,interlace=scan=tff:lowpass=off"
    return lossless(folder / "fields.nut", FILM, chain, "-g", "6")


def made(
    source: Path, folder: Path, encoding: Encoding, cuts: tuple[Fraction, ...] = CUTS, **wishes: Any
) -> tuple[Path, Path]:
    """A conversion at once, and one of stretches cut at these times."""
    facts = probe(source, unheard)
    plain = {"width": facts.width, "height": facts.height, "pixel_format": facts.pixels.name}
    filters = Filters(**{**plain, **wishes})
    whole, joined = (folder / f"{name}.{encoding.container}" for name in ("whole", "joined"))
    transcode(source, whole, facts, filters, encoding, unheard)
    shelves = []
    for number, (first, end) in enumerate(pairwise([Fraction(0), *cuts, None])):
        shelf = folder / f"shelf{number}"
        stretch = Stretch(first or Fraction(0), end)
        make_stretch(source, shelf, facts, filters, encoding, stretch, unheard)
        shelves.append(shelf)
    join(source, joined, facts, filters, encoding, shelves, unheard)
    return whole, joined


def packets(path: Path) -> Packets:
    """All packets of a file: stream, times, whether they are keys, and what is in them."""
    with av.open(str(path)) as container:
        return [
            (
                each.stream_index,
                each.pts,
                each.dts,
                each.duration or 0,
                each.is_keyframe,
                bytes(each),
            )  # type: ignore[misc]
            for each in container.demux()
            if each.size
        ]


def lumas(path: Path) -> list[Samples]:
    """The luma of all frames."""
    with av.open(str(path)) as container:
        return [luma(frame) for frame in container.decode(container.streams.video[0])]


def likenesses(one: Path, other: Path) -> list[float]:
    """PSNR of each frame's luma."""
    return [psnr(a, b) for a, b in zip(lumas(one), lumas(other), strict=True)]


def assert_same_times(whole: Path, joined: Path) -> None:
    """The same packets of all streams as far as their places and times go."""
    before, after = packets(whole), packets(joined)
    streams = {each[0] for each in before}
    for stream in streams:
        old = [each[1:4] for each in before if each[0] == stream]
        new = [each[1:4] for each in after if each[0] == stream]
        assert sorted(time for time, *_ in new) == sorted(time for time, *_ in old)
        assert [time for _, time, _ in new] == [time for _, time, _ in old]
    assert {each[0] for each in after} == streams
    assert shown(joined).times == shown(whole).times


def assert_same_sound(whole: Path, joined: Path) -> None:
    old, new = ([each for each in packets(path) if each[0]] for path in (whole, joined))
    assert new == old


def complaints(path: Path) -> list[str]:
    """What FFmpeg's program has to say about a file."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    command = [program, "-v", "warning", "-xerror", "-i", str(path), "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, check=True).stderr.decode().splitlines()
    # MXF does not tell which of two channels is the left one.
    return [line for line in said if "Guessed Channel Layout" not in line]


@pytest.mark.parametrize(
    ("codec", "profile", "pixel_format"),
    [
        ("ffv1", "", "yuv420p"),
        ("prores", "standard", "yuv422p10le"),
        ("dnxhd", "dnxhr_hqx", "yuv422p10le"),
    ],
)
def test_codecs_of_single_frames_give_the_very_file(
    film: Path, tmp_path: Path, codec: str, profile: str, pixel_format: str
) -> None:
    encoding = Encoding("mov", codec, profile)
    size: dict[str, Any] = {"width": 320, "height": 192, "pixel_format": pixel_format}
    whole, joined = made(film, tmp_path, encoding, **size)
    assert joined.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("deinterlacer", ["yadif", "bwdif", "weston3f"])
def test_deinterlaced(fields: Path, tmp_path: Path, deinterlacer: str) -> None:
    wishes: dict[str, Any] = {"source_field_order": "top_first", "deinterlacer": deinterlacer}
    whole, joined = made(fields, tmp_path, FFV1, **wishes)
    assert packets(joined) == packets(whole)


@pytest.mark.parametrize(
    "rate", [Fraction(60), Fraction(25), Fraction(30000, 1001), Fraction(15)], ids=str
)
@pytest.mark.parametrize("converter", ["fps", "fblend"])
def test_at_another_rate(film: Path, tmp_path: Path, converter: str, rate: Fraction) -> None:
    # At places that are those of frames of the new rate.
    cuts = Fraction(round(CUTS[0] * rate)) / rate, Fraction(round(CUTS[1] * rate)) / rate
    wishes: dict[str, Any] = {"frame_rate": rate, "frame_rate_converter": converter}
    whole, joined = made(film, tmp_path, FFV1, cuts, **wishes)
    assert packets(joined) == packets(whole)


def test_blended_from_a_clock_that_the_new_rate_does_not_fit(tmp_path: Path) -> None:
    source = tmp_path / "film.mkv"
    ffmpeg("-i", FILM, "-vf", "scale=160:96,fps=30000/1001", "-an", *X264, source)
    wishes: dict[str, Any] = {"frame_rate": Fraction(60), "frame_rate_converter": "fblend"}
    whole, joined = made(source, tmp_path, FFV1, **wishes)
    assert packets(joined) == packets(whole)


def test_moved_between_frames(film: Path, tmp_path: Path) -> None:
    wishes: dict[str, Any] = {"frame_rate": Fraction(60), "frame_rate_converter": "mcinterpolate"}
    whole, joined = made(film, tmp_path, FFV1, **wishes)
    assert_same_times(whole, joined)
    # Where blocks move to depends on where they moved before, a little and for ever.
    alike = likenesses(whole, joined)
    assert float(np.mean(alike)) > 60
    assert min(alike) > 35


def test_denoised(film: Path, tmp_path: Path) -> None:
    whole, joined = made(film, tmp_path, FFV1, denoiser="hqdn3d")
    assert_same_times(whole, joined)
    assert min(likenesses(whole, joined)) > 50


def test_made_interlaced(film: Path, tmp_path: Path) -> None:
    wishes: dict[str, Any] = {
        "frame_rate": Fraction(50),
        "frame_rate_converter": "fps",
        "target_field_order": "top_first",
    }
    cuts = Fraction(44, 25), Fraction(87, 25)
    whole, joined = made(film, tmp_path, FFV1, cuts, **wishes)
    assert packets(joined) == packets(whole)


def test_made_interlaced_the_other_way(fields: Path, tmp_path: Path) -> None:
    wishes: dict[str, Any] = {
        "source_field_order": "top_first",
        "target_field_order": "bottom_first",
    }
    whole, joined = made(fields, tmp_path, FFV1, **wishes)
    assert packets(joined) == packets(whole)


def test_part_of_a_film(film: Path, tmp_path: Path) -> None:
    whole, joined = made(film, tmp_path, FFV1, start=Fraction("0.7"), end=Fraction("5.5"))
    assert packets(joined) == packets(whole)


def test_frames_at_any_time_keep_theirs(tmp_path: Path) -> None:
    source = tmp_path / "slides.mkv"
    spans = [40, 33, 900, 17, 41, 1700, 33, 33, 250, 40] * 3
    times = [sum(spans[:index]) for index in range(len(spans))]
    make_video(source, times, sound="aac", sound_start=300)
    # One of the stretches has no frame at all.
    cuts = Fraction("1.5"), Fraction("1.9"), Fraction("2.5"), Fraction("6.2")
    whole, joined = made(source, tmp_path, FFV1, cuts)
    assert packets(joined) == packets(whole)


SOURCES = {
    "mkv": X264,
    "ts": X264,
    "flv": X264,
    "mpg": ["-c:v", "mpeg2video", "-r", "25", "-bf", "2", "-g", "15", "-q:v", "3"],
    "avi": ["-c:v", "mpeg4", "-bf", "2", "-g", "25", "-q:v", "3"],
    "mxf": ["-c:v", "mpeg2video", "-r", "25", "-bf", "2", "-g", "15", "-q:v", "3", "-ac", "1"],
    "webm": ["-c:v", "libvpx", "-deadline", "realtime", "-g", "25", "-b:v", "300k"],
    "mov": ["-c:v", "prores_ks", "-pix_fmt", "yuv422p10le", "-c:a", "pcm_s16le"],
}


@pytest.mark.parametrize("container", SOURCES)
def test_of_sources_of_any_kind(tmp_path: Path, container: str) -> None:
    source = tmp_path / f"film.{container}"
    sound = ["-ar", "44100"] if container == "flv" else ["-ar", "48000"]
    ffmpeg("-i", FILM, "-vf", "scale=160:96", *sound, *SOURCES[container], source)
    whole, joined = made(source, tmp_path, FFV1)
    assert packets(joined) == packets(whole)


LONG_GROUPS = [
    ("h264", "mp4", 300_000),
    ("h264", "mts", 300_000),
    ("hevc", "mov", 200_000),
    ("mpeg2", "mov", 900_000),
    ("mpeg2", "mts", 900_000),
    ("mpeg2", "mxf", 900_000),
]


@pytest.mark.parametrize(("codec", "container", "bitrate"), LONG_GROUPS)
def test_codecs_that_look_around(
    film: Path, tmp_path: Path, codec: str, container: str, bitrate: int
) -> None:
    wishes: dict[str, Any] = {"width": 320, "height": 192}
    if codec == "mpeg2":
        wishes |= {"frame_rate": Fraction(24), "frame_rate_converter": "fps"}
    encoding = Encoding(container, codec, bitrate=bitrate)
    whole, joined = made(film, tmp_path, encoding, **wishes)
    assert_same_times(whole, joined)
    assert_same_sound(whole, joined)
    assert not complaints(joined)
    keys = sorted(each[1] for each in packets(joined) if each[0] == 0 and each[4])
    times = shown(joined).times
    seams = [next(n for n, time in enumerate(times) if time - times[0] >= cut) for cut in CUTS]
    every = sorted(each[1] for each in packets(joined) if each[0] == 0)
    assert {every[seam] for seam in seams} <= set(keys)
    assert_no_dip(film, tmp_path, whole, joined, seams, wishes)
    sizes = [sum(len(each[5]) for each in packets(path)) for path in (whole, joined)]
    assert sizes[1] / sizes[0] == pytest.approx(1, abs=0.1)
    if codec == "mpeg2":
        assert lowest_fullness(joined, bitrate, 24) > 0


def lowest_fullness(path: Path, bitrate: int, rate: int) -> float:
    """How much a decoder's buffer holds at least, in bits (ISO/IEC 13818-2, Annex C)."""
    size = bitrate * 3 / 4
    fullness, lowest = size * 6 / 7, size
    for each in packets(path):
        if each[0] == 0:
            fullness -= 8 * len(each[5])
            lowest = min(lowest, fullness)
            fullness = min(fullness + bitrate / rate, size)
    return lowest


def assert_no_dip(
    film: Path, folder: Path, whole: Path, joined: Path, seams: list[int], wishes: dict[str, Any]
) -> None:
    """A stretch looks like the original as the whole does, at its ends too."""
    reference = folder / "reference.mov"
    facts = probe(film, unheard)
    transcode(
        film, reference, facts, Filters(**{"pixel_format": "yuv420p", **wishes}), FFV1, unheard
    )
    before, after = (np.array(likenesses(reference, path)) for path in (whole, joined))
    assert after.mean() > before.mean() - 0.5
    for seam in seams:
        for place in (slice(seam - 8, seam), slice(seam, seam + 8)):
            assert after[place].mean() > before[place].mean() - 2.5
        assert after[seam - 8 : seam + 8].min() > before.min() - 2.5
