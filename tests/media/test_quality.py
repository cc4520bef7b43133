"""Quality: scores fall with what spoils a picture, and with nothing else, in every format."""

import dataclasses
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from services.media.engine.probe import probe
from services.media.engine.quality.assessment import Assessment, Metric, assess
from services.media.engine.quality.scores import COLOURS, DETAILS, NOISE, Curve, label
from tests.media.filtering import ffmpeg, lossless
from tests.media.material import FILM, make_video, unheard

# A part of the film in daylight, small.
_SHORT = "trim=start_frame=60:end_frame=72,scale=320:-2:flags=area"


def judged(path: Path) -> Assessment | None:
    return assess(path, probe(path, unheard), unheard)


def metrics(path: Path) -> dict[str, Metric]:
    assessment = judged(path)
    assert assessment is not None
    return {each.name: each for each in assessment.metrics}


def scores(path: Path) -> dict[str, float]:
    return {name: each.subjective_score for name, each in metrics(path).items()}


def made(folder: Path, chain: str, *options: str) -> Path:
    """The clip with more done to it, without loss unless the options say so."""
    name = f"{abs(hash((chain, options)))}.mkv"
    return lossless(folder / name, FILM, f"{_SHORT},{chain}", *options)


def noisy(path: Path, sigma: float) -> Path:
    """The clip with white Gaussian noise in its luma, of 255 from black to white."""
    source = made(path.parent, "format=yuv420p")
    random = np.random.default_rng(0)
    with av.open(str(source)) as clean, av.open(str(path), "w") as target:
        stream = target.add_stream("ffv1", rate=24, width=320, height=180, pix_fmt="yuv420p")
        assert isinstance(stream, VideoStream)
        for frame in clean.decode(video=0):
            pixels = frame.to_ndarray()
            codes = sigma * 219 / 255 * random.standard_normal((180, 320))
            pixels[:180] = np.clip(np.rint(pixels[:180] + codes), 0, 255)
            target.mux(stream.encode(VideoFrame.from_ndarray(pixels, "yuv420p")))
        target.mux(stream.encode(None))
    return path


def assert_falls(values: list[float], *, by: float) -> None:
    """Check that values never rise, and how far they fall in all."""
    assert values == sorted(values, reverse=True)
    assert values[0] - values[-1] >= by


def test_assessment_names_scores_and_their_mean() -> None:
    progress: list[float] = []

    assessment = assess(FILM, probe(FILM, unheard), progress.append)

    assert assessment is not None
    assert [each.name for each in assessment.metrics] == ["noise", "details", "colors"]
    mean = sum(each.subjective_score for each in assessment.metrics) / 3
    assert assessment.overall_subjective_score == pytest.approx(mean)
    assert all(label(m.subjective_score) == m.subjective_label for m in assessment.metrics)
    assert progress == sorted(progress)
    assert progress[-1] == 100


def test_the_same_file_is_judged_the_same() -> None:
    assert judged(FILM) == judged(FILM)


@pytest.mark.parametrize(
    ("score", "word"),
    [
        (0, "untenable"),
        (0.999, "untenable"),
        (1, "poor"),
        (2, "fair"),
        (2.999, "fair"),
        (3, "good"),
        (4, "excellent"),
        (5, "excellent"),
    ],
)
def test_labels(score: float, word: str) -> None:
    assert label(score) == word


@pytest.mark.parametrize("curve", [NOISE, DETAILS, COLOURS])
def test_curves_are_monotone_and_use_the_whole_scale(curve: Curve) -> None:
    assert all(np.diff(curve.measures) > 0)
    steps = np.diff(curve.scores)
    assert all(steps <= 0) or all(steps >= 0)
    assert (min(curve.scores), max(curve.scores)) == (0, 5)
    assert curve.score(-1) == curve.scores[0]
    assert curve.score(1e9) == curve.scores[-1]


def test_noise_is_measured_and_lowers_the_score(tmp_path: Path) -> None:
    levels = (0, 4, 10, 25)
    found = [metrics(noisy(tmp_path / f"{sigma}.mkv", sigma)) for sigma in levels]

    for sigma, each in zip(levels, found, strict=True):
        assert each["noise"].sample_mean == pytest.approx(sigma, rel=0.05, abs=0.5)
    assert_falls([each["noise"].subjective_score for each in found], by=3)
    # Noise is neither detail nor colour.
    details = [each["details"].subjective_score for each in found]
    assert max(details) < details[0] + 0.05
    colours = [each["colors"].sample_mean for each in found]
    assert colours == pytest.approx([colours[0]] * len(colours), rel=0.02)


def test_blur_lowers_details(tmp_path: Path) -> None:
    found = [
        scores(made(tmp_path, f"gblur=sigma={sigma}")) for sigma in (0.01, 0.6, 1, 1.5, 2.5, 4)
    ]

    assert_falls([each["details"] for each in found], by=3)
    assert [each["noise"] for each in found] == pytest.approx([5] * len(found), abs=0.2)


@pytest.mark.parametrize("key_frames", ["1", "1000"], ids=["all key frames", "one key frame"])
def test_compression_lowers_details(tmp_path: Path, key_frames: str) -> None:
    found = []
    for crf in ("18", "26", "34", "42", "51"):
        encoder = ("-c:v", "libx264", "-preset", "fast", "-crf", crf, "-g", key_frames)
        found.append(scores(made(tmp_path, "null", *encoder)))

    assert_falls([each["details"] for each in found], by=1.5)


def test_coarse_mpeg2_lowers_details(tmp_path: Path) -> None:
    found = []
    for scale in ("2", "6", "14", "31"):
        encoder = ("-c:v", "mpeg2video", "-qscale:v", scale, "-r", "25")
        found.append(scores(made(tmp_path, "null", *encoder)))

    assert_falls([each["details"] for each in found], by=0.5)


def test_paleness_lowers_colours_and_nothing_else(tmp_path: Path) -> None:
    found = [scores(made(tmp_path, f"hue=s={saturation}")) for saturation in (1, 0.7, 0.4, 0.2, 0)]

    assert_falls([each["colors"] for each in found], by=2)
    assert found[-1]["colors"] < 0.01
    for name in ("noise", "details"):
        values = [each[name] for each in found]
        assert values == pytest.approx([values[0]] * len(values), abs=0.01)


@pytest.mark.parametrize(
    "name",
    [
        "yuv410p",
        "yuv411p",
        "yuv422p",
        "yuv444p",
        "yuv420p10le",
        "yuv422p12le",
        "yuv444p16le",
        "yuva420p",
        "bgr0",
        "gbrp",
        "gbrp10le",
        "rgb48le",
    ],
)
def test_formats_are_judged_alike(tmp_path: Path, name: str) -> None:
    plain = metrics(made(tmp_path, "format=yuv420p"))

    found = metrics(made(tmp_path, f"format={name}"))

    for each in ("noise", "details"):
        assert found[each].subjective_score == pytest.approx(plain[each].subjective_score, abs=0.15)
    # Coarser chroma has a little less colour.
    measure = plain["colors"].sample_mean
    assert found["colors"].sample_mean == pytest.approx(measure, rel=0.05)


@pytest.mark.parametrize("name", ["gray", "gray10le"])
def test_grey_has_no_colours(tmp_path: Path, name: str) -> None:
    plain = scores(made(tmp_path, "format=yuv420p"))

    found = scores(made(tmp_path, f"format={name}"))

    assert found["colors"] < 0.01
    assert found["details"] == pytest.approx(plain["details"], abs=0.15)


def test_range_is_the_files_own(tmp_path: Path) -> None:
    plain = metrics(made(tmp_path, "format=yuv420p"))

    full = "scale=in_range=tv:out_range=pc,format=yuv420p"
    found = metrics(made(tmp_path, full, "-color_range", "pc"))

    for name, each in plain.items():
        assert found[name].sample_mean == pytest.approx(each.sample_mean, rel=0.03, abs=0.3)


def test_fields_are_judged_apart(tmp_path: Path) -> None:
    """Combs are no detail."""
    moving = "scroll=horizontal=0.02,format=yuv420p"
    progressive = metrics(made(tmp_path, moving))
    path = made(tmp_path, f"{moving},tinterlace=interleave_top")
    facts = probe(path, unheard)

    as_told = assess(path, dataclasses.replace(facts, scanning="interlaced"), unheard)
    as_frames = assess(path, dataclasses.replace(facts, scanning="progressive"), unheard)

    assert as_told is not None
    assert as_frames is not None
    combed, apart = as_frames.metrics[1].sample_mean, as_told.metrics[1].sample_mean
    assert combed > apart
    assert apart == pytest.approx(progressive["details"].sample_mean, rel=0.2)


def test_bars_count_for_nothing(tmp_path: Path) -> None:
    plain = metrics(made(tmp_path, "format=yuv420p"))

    found = metrics(made(tmp_path, "format=yuv420p,pad=iw+64:ih+96:32:48"))

    for name, each in plain.items():
        assert found[name].subjective_score == pytest.approx(each.subjective_score, abs=0.2)


def test_black_frames_count_for_nothing(tmp_path: Path) -> None:
    plain = metrics(made(tmp_path, "format=yuv420p"))

    found = metrics(made(tmp_path, "format=yuv420p,tpad=start=12:stop=6:color=black"))

    for name, each in plain.items():
        assert found[name].subjective_score == pytest.approx(each.subjective_score, abs=0.1)


@pytest.mark.parametrize("colour", ["black", "white", "gray", "red"])
def test_blank_videos_have_no_assessment(tmp_path: Path, colour: str) -> None:
    path = lossless(tmp_path / "blank.mkv", f"lavfi:color={colour}:s=320x180:d=1", "null")

    assert judged(path) is None


@pytest.mark.parametrize("size", [(16, 16), (34, 18), (150, 22), (162, 122)])
def test_small_and_odd_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "small.mp4"
    make_video(path, range(0, 400, 40), size=size)

    for each in metrics(path).values():
        assert 0 <= each.subjective_score <= 5
        assert np.isfinite(each.sample_mean)


def test_long_videos_are_looked_at_all_over(tmp_path: Path) -> None:
    """Half of it grey, half of it not: half the colours."""
    path = tmp_path / "halves.mp4"
    chain = "loop=loop=-1:size=12,trim=end_frame=500,setpts=N/25/TB,hue=s='lt(n,250)'"
    ffmpeg("-i", FILM, "-an", "-vf", f"{_SHORT},{chain}", "-preset", "ultrafast", path)

    colourful = metrics(made(tmp_path, "null"))["colors"].sample_mean

    assert metrics(path)["colors"].sample_mean == pytest.approx(colourful / 2, rel=0.15)


def test_damaged_stretches_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "damaged.ts"
    ffmpeg("-i", FILM, "-an", "-c", "copy", path)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 20_000] = np.random.default_rng(0).bytes(20_000)
    path.write_bytes(data)

    assert judged(path) is not None
