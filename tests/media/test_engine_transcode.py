"""Transcoded videos: the same frames at the same times, the same look, shape and sound."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from services.media.engine.containers import CONTAINERS
from services.media.engine.encoders.h264 import PIXEL_FORMATS
from services.media.engine.failure import BadMedia
from services.media.engine.filters.scaling import nearest_format
from services.media.engine.plan import Encoding, Filters
from services.media.engine.probe import VideoFacts, probe
from services.media.engine.reading import open_video, video_stream
from services.media.engine.shape import display_matrix
from services.media.engine.transcode import transcode
from tests.media.material import (
    COLLECTION,
    FILM,
    MILLISECOND,
    collection,
    make_video,
    unheard,
)
from tests.media.measure import Samples, heard, luma, psnr, resized, shown

TOO_LONG = (
    "video/long_6min_1080p_h264_aac.mp4",
    "video/long_6min_4k_av1_aac.mp4",
    "video/counter_300s_theora_vorbis.ogv",
    "video/film_bbb_trailer_720p24_h264_mp3.mp4",
    "video/bottles_360p_noaudio_40s.mp4",
)
FILMS = collection("video", "derived", without=("video/eac3_audio_only.mp4", *TOO_LONG))
WIDTH, HEIGHT = 256, 144


def converted(
    source: Path,
    target: Path,
    *,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    pixel_format: str | None = None,
    bitrate: int = 4_000_000,
) -> tuple[VideoFacts, VideoFacts]:
    """Transcode a file into the container that the target's name says; facts of both."""
    facts = probe(source, unheard)
    pixel_format = nearest_format(pixel_format or facts.pixels.name, PIXEL_FORMATS)
    encoding = Encoding(target.suffix[1:], "h264", bitrate=bitrate)
    order = facts.field_order or ""
    filters = Filters(*size, pixel_format, source_field_order=order, target_field_order=order)
    transcode(source, target, facts, filters, encoding, unheard)
    return facts, probe(target, unheard)


@pytest.mark.parametrize("container", ["mp4", "mov"])
def test_film(tmp_path: Path, container: str) -> None:
    target = tmp_path / f"out.{container}"

    before, after = converted(FILM, target, size=(480, 270))

    assert (after.width, after.height, after.codec_name) == (480, 270, "h264")
    assert after.frames == 144
    assert after.duration == 6
    assert after.pixels == before.pixels
    assert shown(target).times == shown(FILM).times
    assert_same_look(FILM, target)
    (old_start, old), (new_start, new) = heard(FILM), heard(target)
    assert old_start == new_start
    assert np.array_equal(old, new)
    assert_index_in_front(target)


def assert_index_in_front(path: Path) -> None:
    head = path.read_bytes()
    assert 0 < head.index(b"moov") < head.index(b"mdat")


def assert_same_look(source: Path, target: Path, least: float = 33) -> None:
    """Compare luma with the source's as another program scales it."""
    old, new = shown(source), shown(target)
    for index, frame in old.kept.items():
        now = new.kept[index]
        assert (now.width, now.height) == (new.kept[0].width, new.kept[0].height)
        wanted = resized(luma(frame), now.width, now.height)
        # Pictures of few colours, such as leaders, compare worse than they look.
        assert psnr(wanted, luma(now)) > least, index


@pytest.mark.parametrize("name", FILMS)
def test_collection(tmp_path: Path, name: str) -> None:
    source, target = COLLECTION / name, tmp_path / "out.mp4"

    before, after = converted(source, target)

    assert (after.width, after.height) == (WIDTH, HEIGHT)
    assert after.frames == before.frames
    assert abs(after.duration - before.duration) <= 1 / before.average_rate
    assert (after.scanning, after.field_order) == (
        ("interlaced", before.field_order)
        if before.scanning == "interlaced"
        else ("progressive", None)
    )
    assert_same_times(source, target, before)
    assert_same_sound(source, target)
    assert_same_shape(source, target)
    if before.scanning != "interlaced" and before.pixels.subsampling:
        assert_same_look(source, target)


def assert_same_times(source: Path, target: Path, facts: VideoFacts) -> None:
    if source.suffix == ".h264":
        return
    old, new = shown(source).times, shown(target).times
    spaced = [time - old[0] for time in old]
    for index, (then, now) in enumerate(zip(spaced, (each - new[0] for each in new), strict=True)):
        # Where a file repeats a time, the next one follows by a tick.
        assert abs(then - now) <= Fraction(1, 10_000), index


def assert_same_sound(source: Path, target: Path) -> None:
    """The same codecs or AAC, starting as long after the picture, the same samples where copied."""
    with open_video(source) as old, open_video(target) as new:
        kinds = [
            (each.codec_context.codec.canonical_name, each.codec_context.sample_rate)
            for each in old.streams.audio
            if each.codec_context and each.codec_context.sample_rate
        ]
        found = [each.codec_context.codec.canonical_name for each in new.streams.audio]
    carried = [kind in CONTAINERS["mp4"].carried for kind, _ in kinds]
    assert found == [
        kind if carry else "aac" for (kind, _), carry in zip(kinds, carried, strict=True)
    ]
    if not kinds:
        return
    old_picture, new_picture = shown(source).times[0], shown(target).times[0]
    for index, carry in enumerate(carried):
        (old_start, old_samples), (new_start, new_samples) = (
            heard(source, index),
            heard(target, index),
        )
        late = (new_start - new_picture) - (old_start - old_picture)
        # An AAC stream that starts late plays 1024 samples of silence first.
        silence = Fraction(0 if carry else 1024, 8000)
        assert -silence - MILLISECOND <= late <= MILLISECOND
        if carry:
            assert_same_samples(old_samples, new_samples)


def assert_same_samples(old: Samples, new: Samples) -> None:
    """Every sample but those at the ends, which containers trim each in their own unit of time."""
    assert abs(old.shape[1] - new.shape[1]) <= 2048
    middle = old.shape[1] // 2
    excerpt = old[:, middle : middle + 4096]
    shifts = sorted(range(-64, 65), key=abs)
    found = [
        shift
        for shift in shifts
        if np.array_equal(new[:, middle + shift : middle + shift + excerpt.shape[1]], excerpt)
    ]
    assert found
    shift = found[0]
    one, other = old[:, max(0, -shift) :], new[:, max(0, shift) :]
    length = min(one.shape[1], other.shape[1])
    assert np.array_equal(one[:, 4096:length], other[:, 4096:length])


def assert_same_shape(source: Path, target: Path) -> None:
    """Displayed in the same proportions and turned alike, in colours that mean the same."""
    if source.suffix == ".h264":
        return
    old, new = shown(source).kept[0], shown(target).kept[0]
    assert new.rotation == old.rotation or abs(old.rotation) > 180
    assert (display_matrix(new) or ())[:2] == (display_matrix(old) or ())[:2]
    # Square pixels stay square; sizes are even.
    assert abs(display_aspect(target) / display_aspect(source) - 1) < 2 / HEIGHT
    if not old.format.is_rgb:
        assert (new.color_range == 2) == (old.color_range == 2 or "yuvj" in old.format.name)
        assert old.colorspace in (2, new.colorspace)
        assert (new.color_trc, new.color_primaries) == (old.color_trc, old.color_primaries)


def display_aspect(path: Path) -> float:
    with open_video(path) as container:
        stream = video_stream(container)
        context = stream.codec_context
        return float((stream.sample_aspect_ratio or 1) * context.width / context.height)


def test_fields_are_scaled_apart(tmp_path: Path) -> None:
    source = COLLECTION / "derived/bbb_720i60_bff_h264.mp4"
    if not source.exists():
        pytest.skip("../shared/media is not there")
    target = tmp_path / "out.mp4"

    converted(source, target, size=(640, 360))

    old, new = shown(source), shown(target)
    for index, frame in old.kept.items():
        for field in (0, 1):
            wanted = resized(luma(frame)[field::2], 640, 180)
            assert psnr(wanted, luma(new.kept[index])[field::2]) > 33


def test_times_of_a_variable_rate_are_kept(tmp_path: Path) -> None:
    source, target = tmp_path / "in.mkv", tmp_path / "out.mp4"
    times = [0, 40, 45, 300, 1000, 1001, 2500]
    make_video(source, times)

    converted(source, target)

    assert shown(target).times == [Fraction(time, 1000) for time in times]


@pytest.mark.parametrize(("picture", "sound"), [(0, 700), (700, 0)])
@pytest.mark.parametrize("codec", ["aac", "mp2"])
def test_late_starts_stay_late(tmp_path: Path, picture: int, sound: int, codec: str) -> None:
    source, target = tmp_path / "in.mkv", tmp_path / "out.mp4"
    make_video(source, [picture + 40 * n for n in range(40)], sound=codec, sound_start=sound)

    converted(source, target)

    assert abs(first_loud(target) - shown(target).times[0] - Fraction(sound - picture, 1000)) < (
        Fraction(4, 1000)
    )


def first_loud(path: Path) -> Fraction:
    """When the tone begins, in seconds."""
    start, samples = heard(path)
    loud = int(np.argmax(np.abs(samples[0]) > 0.2 * np.abs(samples[0]).max()))
    return start + Fraction(loud, 48_000)


@pytest.mark.parametrize(
    ("container", "expected"), [("mov", "pcm_s16le"), ("mp4", "aac")], ids=["mov", "mp4"]
)
def test_plain_samples_stay_plain_where_they_may(
    tmp_path: Path, container: str, expected: str
) -> None:
    source, target = tmp_path / "in.mkv", tmp_path / f"out.{container}"
    make_video(source, [40 * index for index in range(25)], sound="pcm_s16le")

    converted(source, target)

    with open_video(target) as made:
        assert made.streams.audio[0].codec_context.name == expected
    (_, old), (_, new) = heard(source), heard(target)
    if container == "mov":
        assert np.array_equal(old, new)
    else:
        power = [float(np.mean(np.square(each))) for each in (old[0] / 32768, new[0, :48_000])]
        assert power[1] == pytest.approx(power[0], rel=0.05)


@pytest.mark.parametrize("name", PIXEL_FORMATS)
def test_pixel_formats_are_encoded_as_asked(tmp_path: Path, name: str) -> None:
    source, target = tmp_path / "in.mkv", tmp_path / "out.mp4"
    make_video(source, [0, 40, 80])

    _, after = converted(source, target, pixel_format=name)

    assert after.pixels.name == name
    assert_same_look(source, target)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("yuvj422p", "yuv422p"),
        ("yuv422p12le", "yuv422p10le"),
        ("yuv411p", "yuv422p"),
        ("rgb24", "yuv444p"),
        ("yuva420p", "yuv420p"),
        ("nv12", "yuv420p"),
        ("gray10le", "yuv420p10le"),
    ],
)
def test_formats_that_h264_lacks_become_the_nearest(name: str, nearest: str) -> None:
    assert nearest_format(name, PIXEL_FORMATS) == nearest


def test_bitrate_is_kept_to(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    _, after = converted(FILM, target, size=(640, 360), bitrate=600_000)
    assert after.stream_size * 8 / 6 == pytest.approx(600_000, rel=0.15)


def test_broken_tail_is_left_out(tmp_path: Path) -> None:
    source, target = tmp_path / "in.mp4", tmp_path / "out.mp4"
    film = bytearray(FILM.read_bytes())
    # The index stands in front, so that this breaks pictures and sound alone.
    film[len(film) * 2 // 3 :] = bytes(len(film) - len(film) * 2 // 3)
    source.write_bytes(film)

    before, after = converted(source, target)

    assert before.frames == 144
    assert 60 < after.frames <= 144
    assert len(shown(target).times) == after.frames


def test_picture_that_never_decodes_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "in.mp4"
    film = bytearray(FILM.read_bytes())
    start = film.index(b"mdat") + 4
    film[start:] = bytes(len(film) - start)
    source.write_bytes(film)
    with pytest.raises(BadMedia):
        converted(source, tmp_path / "out.mp4")


def test_progress_follows_the_picture(tmp_path: Path) -> None:
    told: list[float] = []
    facts = probe(FILM, unheard)
    encoding = Encoding("mp4", "h264", bitrate=100_000)

    transcode(FILM, tmp_path / "out.mp4", facts, Filters(64, 36, "yuv420p"), encoding, told.append)

    assert told == sorted(told)
    assert told[-1] == 100
    assert len(set(told)) > 100
