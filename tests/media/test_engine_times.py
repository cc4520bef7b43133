"""Frame times through the filters: variable rates, damage, changes on the way, long films."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from services.media.engine.filters.planes import planes
from services.media.engine.opening import opening
from services.media.engine.pipeline import Pipeline
from services.media.engine.plan import Encoding, Filters
from services.media.engine.probe import probe
from services.media.engine.reading import open_video, video_stream
from services.media.engine.transcode import transcode
from tests.media.filtering import ffmpeg, likeness, piped, times
from tests.media.material import FILM, MILLISECOND, make_video, unheard
from tests.media.measure import heard, luma

_MINUTES = 20
_HERTZ = 8000
# Milliseconds from one picture to the next, over and over.
_STEPS = (900, 350, 40, 1710, 333, 667)


def at_once(minutes: int) -> list[int]:
    """When pictures come, in ms."""
    when, now = [], 0
    while now < minutes * 60_000:
        when.append(now)
        now += _STEPS[len(when) % len(_STEPS)]
    return when


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty minutes at a variable rate; each 20th picture is white, and sounds a click."""
    path = tmp_path_factory.mktemp("times") / "uneven.mkv"
    when = at_once(_MINUTES)
    with av.open(str(path), "w") as target:
        video = target.add_stream("mpeg4", rate=25, width=48, height=32)
        audio = target.add_stream("pcm_s16le", rate=_HERTZ, layout="mono")
        assert isinstance(video, VideoStream)
        assert isinstance(audio, AudioStream)
        video.codec_context.time_base = MILLISECOND
        sound = np.zeros((_MINUTES * 60 + 2) * _HERTZ, np.int16)
        for number, time in enumerate(when):
            frame = VideoFrame(48, 32, "yuv420p")
            for plane in planes(frame):
                plane[:] = 128
            planes(frame)[0][:] = 16 if number % 20 else 235
            frame.pts, frame.time_base = time, MILLISECOND
            target.mux(video.encode(frame))
            if number % 20 == 0:
                sound[time * _HERTZ // 1000 :][:40] = 20_000
        target.mux(video.encode(None))
        for start in range(0, sound.size, _HERTZ):
            part = AudioFrame.from_ndarray(sound[None, start : start + _HERTZ], "s16", "mono")
            part.sample_rate, part.pts, part.time_base = _HERTZ, start, Fraction(1, _HERTZ)
            target.mux(audio.encode(part))
        target.mux(audio.encode(None))
    return path


def flashes(path: Path) -> list[Fraction]:
    """When a white picture comes."""
    found, was_white = [], False
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            is_white = luma(frame).mean() > 128
            if is_white and not was_white:
                found.append(Fraction((frame.pts or 0) * (frame.time_base or 0)))
            was_white = is_white
    return found


def clicks(path: Path) -> list[Fraction]:
    """When a click comes."""
    start, samples = heard(path)
    loud = np.abs(samples[0]) > np.abs(samples[0]).max() / 3
    places = np.flatnonzero(loud)
    firsts = places[np.diff(places, prepend=-_HERTZ) > _HERTZ // 4]
    return [start + Fraction(int(place), _HERTZ) for place in firsts]


@pytest.mark.parametrize("container", ["mov", "mp4"])
def test_twenty_uneven_minutes_keep_every_time(
    uneven: Path, tmp_path: Path, container: str
) -> None:
    target = tmp_path / f"out.{container}"
    facts = probe(uneven, unheard)
    encoding = Encoding(container, "h264", bitrate=100_000)

    transcode(uneven, target, facts, Filters(48, 32, "yuv420p"), encoding, unheard)

    with av.open(str(target)) as made:
        found = [
            Fraction((frame.pts or 0) * (frame.time_base or 0)) for frame in made.decode(video=0)
        ]
    assert found == [Fraction(time, 1000) for time in at_once(_MINUTES)]
    pairs = list(zip(flashes(target), clicks(target), strict=True))
    assert len(pairs) > 80
    assert max(abs(flash - click) for flash, click in pairs) < Fraction(1, 100)


def test_twenty_uneven_minutes_at_an_even_rate(uneven: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mov"
    facts = probe(uneven, unheard)
    rate = Fraction(5)
    filters = Filters(48, 32, "yuv420p", frame_rate_converter="fps", frame_rate=rate)

    transcode(uneven, target, facts, filters, Encoding("mov", "h264", bitrate=100_000), unheard)

    assert probe(target, unheard).average_rate == rate
    # Pictures that are shown for less than two fifths of a second may fall out.
    sounds = np.array([float(click) for click in clicks(target)])
    drift = [float(np.abs(sounds - float(flash)).min()) for flash in flashes(target)]
    assert len(drift) > 80
    assert max(drift) < 1 / rate


def test_part_of_uneven_minutes_keeps_sound_in_place(uneven: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mov"
    facts = probe(uneven, unheard)
    filters = Filters(48, 32, "yuv420p", start=Fraction("601.234"), end=Fraction("900.5"))

    transcode(uneven, target, facts, filters, Encoding("mov", "h264", bitrate=100_000), unheard)

    pairs = list(zip(flashes(target), clicks(target), strict=True))
    assert len(pairs) > 18
    assert max(abs(flash - click) for flash, click in pairs) <= Fraction(2, 1000)
    made = probe(target, unheard)
    assert abs(made.duration - Fraction("299.266")) < Fraction(1, 10)
    _, samples = heard(target)
    assert abs(Fraction(samples.shape[1], _HERTZ) - made.duration) < Fraction(1, 100)


def test_deinterlaced_uneven_fields_lie_halfway(tmp_path: Path) -> None:
    path = tmp_path / "in.mkv"
    make_video(path, [0, 40, 140, 150, 450])

    _, made = piped(path, source_field_order="top_first", deinterlacer="bwdif")

    halves = [0, 20, 40, 90, 140, 145, 150, 300, 450]
    assert times(made)[:-1] == [Fraction(time, 1000) for time in halves]


@pytest.mark.parametrize("converter", ["fps", "fblend"])
def test_damage_leaves_the_rest_in_place(tmp_path: Path, converter: str) -> None:
    source = tmp_path / "in.mp4"
    film = bytearray(FILM.read_bytes())
    # The index stands in front, so that this breaks pictures and sound alone.
    middle = len(film) // 2
    film[middle : middle + len(film) // 10] = bytes(len(film) // 10)
    source.write_bytes(film)
    wishes: dict[str, Any] = {"width": 128, "height": 72}

    _, whole = piped(FILM, **wishes)
    _, kept = piped(source, **wishes)
    even = {"frame_rate_converter": converter, "frame_rate": Fraction(24)}
    _, filled = piped(source, **wishes, **even)

    assert len(kept) < len(whole) == len(filled) == 144
    assert set(times(kept)) < set(times(whole))
    for place in (0, 30, -1):
        assert min(likeness(filled[place], whole[place])) > 60


def test_size_and_format_may_change_on_the_way(tmp_path: Path) -> None:
    parts = []
    for number, (size, pixel_format) in enumerate(
        [("160x90", "yuv420p"), ("320x180", "yuv420p"), ("160x90", "yuv422p")]
    ):
        part = tmp_path / f"{number}.ts"
        source = f"testsrc=s={size}:r=25:d=1"
        coded = ["-c:v", "libx264", "-g", "25", "-bf", "0", "-pix_fmt", pixel_format]
        ffmpeg("-f", "lavfi", "-i", source, *coded, "-output_ts_offset", str(number), part)
        parts.append(part.read_bytes())
    path = tmp_path / "changing.ts"
    path.write_bytes(b"".join(parts))
    wishes: dict[str, Any] = {"width": 192, "height": 108, "pixel_format": "yuv420p"}

    for filters in ({}, {"denoiser": "hqdn3d"}, {"deinterlacer": "yadif"}):
        _, made = piped(path, **wishes, **filters)

        assert len(made) == 75
        assert {(frame.width, frame.height, frame.format.name) for frame in made} == {
            (192, 108, "yuv420p")
        }
        spans = np.diff([float(time) for time in times(made)])
        assert spans == pytest.approx(1 / 25, abs=1 / 1000)
        # The same picture comes once a second.
        assert likeness(made[10], made[60])[0] > 25


@pytest.mark.parametrize(
    "wishes",
    [
        {},
        {"deinterlacer": "bwdif", "denoiser": "hqdn3d"},
        {"frame_rate_converter": "fblend", "frame_rate": Fraction(30)},
        {"frame_rate_converter": "mcinterpolate", "frame_rate": Fraction(30)},
        {"target_field_order": "top_first"},
    ],
    ids=["none", "restored", "blended", "interpolated", "interlaced"],
)
def test_few_frames_are_under_way(tmp_path: Path, wishes: dict[str, Any]) -> None:
    facts = probe(FILM, unheard)
    filters = Filters(96, 64, "yuv420p", **wishes)
    part = opening(FILM, facts, Fraction(0), None, Fraction(0))
    taken = 0

    with open_video(FILM) as reader:
        stream = video_stream(reader)

        def packets() -> Iterator[Any]:
            nonlocal taken
            for packet in reader.demux(stream):
                if packet.size:
                    taken += 1
                    yield packet

        ahead = []
        for frame in Pipeline(stream, facts, filters, part).frames(packets()):
            shown = Fraction((frame.pts or 0) * (frame.time_base or 0))
            ahead.append(taken - shown * 24)

    # Decoders look ahead by their threads and by frames shown out of order.
    assert max(ahead) < 48
