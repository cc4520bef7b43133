"""Where films are cut, and what is said of stretches that do not belong together."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from services.media.engine.failure import BadMedia
from services.media.engine.plan import Encoding, Filters
from services.media.engine.probe import VideoFacts, probe
from services.media.engine.reading import open_video, video_stream
from services.media.engine.segments import Misfit, Stretch, cuts, join, make_stretch, stretches
from services.media.engine.shelf import Coded, FilledShelf, Shelf
from services.media.operations import Job, Part, Result, SourceFile, Split, operation, part_file
from tests.media.filtering import ffmpeg
from tests.media.material import FILM, make_video, unheard
from tests.media.test_segments import FFV1, X264, packets
from vitascope.media.v1.operations_pb2 import VideoProcessResult, VideoProcessSpec

PLAIN = Filters(160, 96, "yuv420p")
GRID = Filters(160, 96, "yuv420p", frame_rate=Fraction(25), frame_rate_converter="fps")


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes with a key frame every two seconds."""
    path = tmp_path_factory.mktemp("cuts") / "long.mp4"
    source = "testsrc=s=160x96:r=25:d=120"
    ffmpeg("-f", "lavfi", "-i", source, *X264, "-g", "50", "-sc_threshold", "0", path)
    return path


@pytest.fixture
def tireless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have everything cut that can be."""
    monkeypatch.setattr(cuts, "LEAST_WORK", 0.0)
    monkeypatch.setattr(cuts, "_LEAST_STRETCH", 0.001)


def cut(path: Path, filters: Filters = PLAIN, encoding: Encoding = FFV1) -> list[Stretch]:
    return stretches(path, probe(path, unheard), filters, encoding)


def times_of_keys(path: Path) -> list[Fraction]:
    with open_video(path) as reader:
        stream = video_stream(reader)
        return [
            each.pts * each.time_base
            for each in reader.demux(stream)
            if each.size and each.is_keyframe and each.pts is not None
        ]


@pytest.mark.usefixtures("tireless")
@pytest.mark.parametrize("filters", [PLAIN, GRID])
def test_stretches_are_the_whole_and_begin_soon_after_key_frames(
    long: Path, filters: Filters
) -> None:
    found = cut(long, filters)
    assert 6 <= len(found) <= 8
    assert found[0].first == 0
    assert found[-1].end is None
    assert all(one.end == other.first for one, other in pairwise(found))
    keys = times_of_keys(long)
    for stretch in found[1:]:
        assert (stretch.first * 25).denominator == 1
        after = stretch.first - max(key for key in keys if key <= stretch.first - 1)
        assert 1 < after < Fraction("1.6")


@pytest.mark.usefixtures("tireless")
def test_part_of_a_film_is_cut_within(long: Path) -> None:
    found = cut(long, Filters(160, 96, "yuv420p", start=Fraction(20), end=Fraction(80)))
    assert len(found) > 4
    assert found[0].first == 0
    assert 40 < found[-1].first < 58


@pytest.mark.usefixtures("tireless")
def test_encoders_that_have_to_settle_get_longer_stretches(long: Path) -> None:
    found = cut(long, PLAIN, Encoding("mp4", "hevc", bitrate=100_000))
    assert len(found) == 4
    assert all(15 <= other.first - one.first <= 45 for one, other in pairwise(found))
    # Two of 90 seconds are more than it has.
    assert cut(long, PLAIN, Encoding("mp4", "h264", bitrate=100_000)) == []


@pytest.mark.usefixtures("tireless")
def test_groups_of_broadcast_stay_of_one_length(long: Path) -> None:
    found = cut(long, GRID, Encoding("mxf", "mpeg2", bitrate=1_000_000))
    assert len(found) == 8
    assert all((each.first * 25) % 12 == 0 for each in found)


def test_little_work_is_done_at_once(long: Path) -> None:
    assert cut(long) == []


def test_much_work_is_cut_however_short_the_film(long: Path) -> None:
    filters = Filters(
        640, 384, "yuv420p", frame_rate=Fraction(60), frame_rate_converter="mcinterpolate"
    )
    assert len(cut(long, filters)) > 6


def test_there_are_not_too_many(long: Path) -> None:
    filters = Filters(
        4096, 2160, "yuv420p", frame_rate=Fraction(120), frame_rate_converter="mcinterpolate"
    )
    facts = probe(long, unheard)
    day = VideoFacts(**{**vars(facts), "duration": Fraction(24 * 3600)})
    assert cuts._count(day, filters, FFV1, day.duration) == cuts.MOST_STRETCHES <= 1000


@pytest.mark.usefixtures("tireless")
def test_what_only_counting_can_pair_stays_whole(long: Path) -> None:
    pairs: dict[str, Any] = {"target_field_order": "top_first"}
    assert cut(long, Filters(160, 96, "yuv420p", **pairs)) == []
    grid: dict[str, Any] = {"frame_rate": Fraction(50), "frame_rate_converter": "fps"}
    assert cut(long, Filters(160, 96, "yuv420p", **pairs, **grid))


@pytest.mark.usefixtures("tireless")
def test_bare_streams_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "film.h264"
    ffmpeg("-i", FILM, "-an", "-vf", "scale=160:96", *X264, path)
    assert cut(path) == []


@pytest.mark.usefixtures("tireless")
def test_film_with_one_key_frame_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=160x96:r=25:d=30", *X264, "-g", "9999", path)
    assert cut(path) == []


@pytest.fixture
def slides(tmp_path: Path) -> Path:
    path = tmp_path / "slides.mkv"
    make_video(path, [0, 40, 80, 120, 160, 200])
    return path


def shelved(source: Path, encoding: Encoding, *bounds: str) -> list[Path]:
    """Stretches of a film, each on its shelf."""
    facts = probe(source, unheard)
    shelves = []
    for number, (first, end) in enumerate(pairwise([*map(Fraction, bounds), None])):
        shelves.append(source.with_name(f"shelf{number}-{encoding.codec}"))
        stretch = Stretch(first or Fraction(0), end)
        make_stretch(source, shelves[-1], facts, PLAIN, encoding, stretch, unheard)
    return shelves


def joined(source: Path, shelves: list[Path], encoding: Encoding = FFV1) -> None:
    target = source.with_name("out.mov")
    join(source, target, probe(source, unheard), PLAIN, encoding, shelves, unheard)


def test_stretches_in_the_wrong_order_do_not_fit(slides: Path) -> None:
    with pytest.raises(Misfit):
        joined(slides, shelved(slides, FFV1, "0", "0.1")[::-1])


def test_stretches_of_another_encoder_do_not_fit(slides: Path) -> None:
    shelves = shelved(slides, Encoding("mov", "h264", bitrate=90_000), "0")
    with pytest.raises(Misfit):
        joined(slides, shelves, Encoding("mov", "hevc", bitrate=90_000))


def test_nothing_but_empty_stretches_is_no_film(slides: Path) -> None:
    facts = probe(slides, unheard)
    shelf = slides.with_name("shelf")
    late = Stretch(Fraction(5), Fraction(6))
    make_stretch(slides, shelf, facts, PLAIN, FFV1, late, unheard)
    assert FilledShelf(shelf).label.pictures == 0
    with pytest.raises(BadMedia):
        joined(slides, [shelf])


def test_shelf_that_was_cut_off_is_none(tmp_path: Path) -> None:
    path = tmp_path / "shelf"
    with Shelf(path) as shelf:
        shelf.add(Coded(7, 1, is_key=True, data=b"picture"))
        shelf.label(Fraction(1, 25), 2, b"headers")
    filled = FilledShelf(path)
    assert filled.times() == [7]
    assert list(filled) == [Coded(7, 1, is_key=True, data=b"picture")]
    assert (filled.label.clock, filled.label.delay) == (Fraction(1, 25), 2)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises((ValueError, EOFError)):
        FilledShelf(path)


@pytest.mark.usefixtures("tireless")
def test_operation_splits_makes_its_parts_and_joins_them(tmp_path: Path) -> None:
    source = tmp_path / "film.mp4"
    ffmpeg("-stream_loop", "3", "-i", FILM, "-vf", "scale=160:96", *X264, source)
    spec = VideoProcessSpec(
        container="mov", codec="ffv1", width=160, height=96, pixel_format="yuv420p"
    )
    original = {"original": SourceFile(source, "film.mp4", None)}
    whole = operation("video.process")

    split = whole.run(Job(spec, original, tmp_path, unheard))

    assert isinstance(split, Split)
    assert len(split.parts) > 2
    assert sum(part.weight for part in split.parts) == pytest.approx(24, abs=0.1)
    results, files = [], {**original}
    for number, part in enumerate(split.parts):
        made = _made(part, original, tmp_path / str(number))
        files[part_file(number, "pictures")] = SourceFile(made.outputs[0].path, "", None)
        results.append(made.message)
    told: list[float] = []
    result = whole.run(Job(spec, files, tmp_path, told.append, parts=results))
    assert isinstance(result, Result)
    assert isinstance(result.message, VideoProcessResult)
    assert result.message.metadata.total_frames == 4 * 144
    assert sorted(told) == told
    assert told[-1] == 100
    assert {each[0] for each in packets(result.outputs[0].path)} == {0, 1}


def _made(part: Part, original: dict[str, SourceFile], scratch: Path) -> Result:
    assert part.kind in operation("video.process").parts
    kind = operation(part.kind)
    scratch.mkdir()
    # As the ledger carries it.
    spec = kind.spec_type.FromString(part.spec.SerializeToString())
    assert [source.name for source in kind.sources(spec)] == ["original"]
    result = kind.run(Job(spec, original, scratch, unheard))
    assert isinstance(result, Result)
    return result
