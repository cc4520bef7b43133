"""What goes into a new file beside its picture: sound, tags, chapters, timecode, HDR."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from av.stream import Disposition
from av.video.stream import VideoStream

from services.media.engine.colour import ColourVolume, colour_volume
from services.media.engine.plan import Encoding, Filters
from services.media.engine.probe import probe
from services.media.engine.transcode import transcode
from tests.media.material import MILLISECOND, make_video, picture, tone, unheard
from tests.media.measure import heard, shown
from tests.media.oracles import ffprobe, ffprobe_frame, mediainfo

SECOND = Fraction(1)


def convert(
    source: Path,
    target: Path,
    *,
    codec: str = "h264",
    pixel_format: str = "yuv420p",
    start: Fraction = Fraction(0),
    end: Fraction | None = None,
    rate: Fraction | None = None,
) -> None:
    filters = Filters(
        128,
        72,
        pixel_format,
        frame_rate_converter="fps" if rate else "",
        frame_rate=rate,
        start=start,
        end=end,
    )
    profile = "standard" if codec == "prores" else ""
    encoding = Encoding(target.suffix[1:], codec, profile, bitrate=500_000)
    transcode(source, target, probe(source, unheard), filters, encoding, unheard)


_FORMATS = {"prores": "yuv422p10le"}
Tagging = Callable[[VideoStream, list[AudioStream]], None]


def make_tagged(path: Path, tag: Tagging, sounds: int = 1, codec: str = "pcm_s16le") -> None:
    """A second of video at 25 frames a second with tracks of tone, and tags."""
    with av.open(str(path), "w") as target:
        video = target.add_stream("mpeg4", rate=25, width=128, height=72)
        assert isinstance(video, VideoStream)
        added = [target.add_stream(codec, rate=48_000) for _ in range(sounds)]
        tracks = [track for track in added if isinstance(track, AudioStream)]
        chapters = [(0, 400, "One"), (400, 1000, "Two")]
        target.set_chapters(
            [
                {
                    "id": index,
                    "start": start,
                    "end": end,
                    "time_base": MILLISECOND,
                    "metadata": {"title": title},
                }
                for index, (start, end, title) in enumerate(chapters)
            ]
        )
        tag(video, tracks)
        for index in range(25):
            frame = picture(index, 128, 72).reformat(format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            target.mux(video.encode(frame))
        target.mux(video.encode(None))
        for track in tracks:
            for heard_frame in tone(0):
                target.mux(track.encode(heard_frame))
            target.mux(track.encode(None))


@pytest.mark.parametrize(
    ("container", "sound", "codec", "rate"),
    [
        ("mts", "aac", "aac", None),
        ("mts", "mp2", "mp2", None),
        ("mts", "ac3", "ac3", None),
        ("mts", "pcm_s16le", "aac", None),
        ("mxf", "aac", "pcm_s16le", Fraction(25)),
        ("mxf", "pcm_s16le", "pcm_s16le", Fraction(25)),
        ("mxf", "pcm_s24le", "pcm_s24le", Fraction(25)),
        ("mov", "flac", "pcm_s16le", None),
        ("mov", "aac", "aac", None),
        ("mov", "pcm_s24le", "pcm_s24le", None),
        ("mp4", "flac", "flac", None),
    ],
)
def test_sound_is_carried_or_made_as_the_container_takes_it(
    tmp_path: Path, container: str, sound: str, codec: str, rate: Fraction | None
) -> None:
    source, target = tmp_path / "in.mkv", tmp_path / f"out.{container}"
    make_video(source, [40 * n for n in range(30)], sound=sound)

    convert(source, target, rate=rate)

    with av.open(str(target)) as made:
        assert made.streams.audio[0].codec_context.name == codec
        assert made.streams.audio[0].sample_rate == 48_000
    assert abs(late_tone(target) - late_tone(source)) < 2 * MILLISECOND


def late_tone(path: Path) -> Fraction:
    """Seconds from the first picture to the tone."""
    start, samples = heard(path)
    loud = int(np.argmax(np.abs(samples[0]) > 0.2 * np.abs(samples[0]).max()))
    return start + Fraction(loud, 48_000) - shown(path).times[0]


@pytest.mark.parametrize("sound_start", [0, 300])
@pytest.mark.parametrize("sound", ["pcm_s16le", "aac"])
def test_sound_of_mxf_begins_with_the_picture(tmp_path: Path, sound: str, sound_start: int) -> None:
    source, target = tmp_path / "in.mkv", tmp_path / "out.mxf"
    make_video(source, [40 * n for n in range(40)], sound=sound, sound_start=sound_start)

    convert(source, target, rate=Fraction(25))

    assert abs(late_tone(target) - Fraction(sound_start, 1000)) < 2 * MILLISECOND


@pytest.mark.parametrize("container", ["mp4", "mov", "mts", "mxf"])
@pytest.mark.parametrize("sound", ["aac", "pcm_s16le", "mp2"])
def test_sound_is_cut_with_the_picture(tmp_path: Path, container: str, sound: str) -> None:
    """The tone sounds from 0.8 to 1.8 s; the part begins at 0.4 and ends at 1.4 s."""
    source, target = tmp_path / "in.mkv", tmp_path / f"out.{container}"
    make_video(source, [40 * n for n in range(60)], sound=sound, sound_start=800)
    rate = Fraction(25) if container == "mxf" else None

    convert(source, target, start=Fraction(2, 5), end=Fraction(7, 5), rate=rate)

    assert len(shown(target).times) == 25
    assert abs(late_tone(target) - Fraction(2, 5)) < 2 * MILLISECOND
    start, samples = heard(target)
    ends = start + Fraction(samples.shape[1], 48_000) - shown(target).times[0]
    # Coded sound ends with the packet in which the part does.
    assert abs(ends - 1) < Fraction(1, 20)


def test_sound_that_is_too_short_does_not_end_an_mxf(tmp_path: Path) -> None:
    source, target = tmp_path / "in.mkv", tmp_path / "out.mxf"
    for sound in ("", "aac"):
        make_video(source, [*range(0, 1400, 40), 1800], sound=sound or None)
        convert(source, target, start=Fraction(1, 5), end=Fraction(8, 5), rate=Fraction(25))
        assert len(shown(target).times) >= 35
        shown.cache_clear()


def test_sound_within_a_part_begins_with_it(tmp_path: Path) -> None:
    source, target = tmp_path / "in.mkv", tmp_path / "out.mov"
    make_video(source, [40 * n for n in range(60)], sound="pcm_s16le")

    convert(source, target, start=Fraction(1, 5), end=Fraction(3, 5))

    (_, old), (start, new) = heard(source), heard(target)
    assert start == 0
    assert np.array_equal(old[:, 9_600:28_800], new)


@pytest.mark.parametrize("container", ["mp4", "mov", "mxf", "mts"])
def test_languages_titles_and_roles_are_carried(tmp_path: Path, container: str) -> None:
    def tag(video: VideoStream, tracks: list[AudioStream]) -> None:
        for track, language in zip(tracks, ("deu", "eng"), strict=True):
            track.metadata["language"] = language
        tracks[1].metadata["title"] = "Commentary"
        tracks[1].disposition = Disposition.comment

    source, target = tmp_path / "in.mkv", tmp_path / f"out.{container}"
    make_tagged(source, tag, sounds=2)

    convert(source, target, rate=Fraction(25))

    tracks = ffprobe(target)["streams"][1:3]
    assert [track["codec_type"] for track in tracks] == ["audio", "audio"]
    # MXF has no word for it that FFmpeg would write.
    if container != "mxf":
        languages = [track["tags"]["language"] for track in tracks]
        assert languages in (["deu", "eng"], ["ger", "eng"])


@pytest.mark.parametrize("container", ["mp4", "mov"])
def test_chapters_are_carried(tmp_path: Path, container: str) -> None:
    source, target = tmp_path / "in.mkv", tmp_path / f"out.{container}"
    make_tagged(source, lambda video, tracks: None)

    convert(source, target, start=Fraction(1, 5), end=Fraction(4, 5))

    with av.open(str(target)) as made:
        chapters = made.chapters()
    unit = [chapter["time_base"] or 0 for chapter in chapters]
    spans = [
        (chapter["start"] * each, chapter["end"] * each, chapter["metadata"]["title"])
        for chapter, each in zip(chapters, unit, strict=True)
    ]
    assert spans == [
        (0, Fraction(1, 5), "One"),
        (Fraction(1, 5), Fraction(3, 5), "Two"),
    ]


@pytest.mark.parametrize("container", ["mov", "mxf", "mp4"])
def test_timecode_is_carried(tmp_path: Path, container: str) -> None:
    def tag(video: VideoStream, tracks: list[AudioStream]) -> None:
        video.metadata["timecode"] = "10:00:00:00"

    source, target = tmp_path / "in.mov", tmp_path / f"out.{container}"
    make_tagged(source, tag, codec="pcm_s16le")

    convert(source, target, start=Fraction(1, 5), rate=Fraction(25))

    probed = ffprobe(target)
    tags = [each.get("tags", {}) for each in (probed["format"], *probed["streams"])]
    assert "10:00:00:05" in [each.get("timecode") for each in tags]


@pytest.mark.parametrize("codec", ["h264", "hevc", "prores", "ffv1"])
def test_frames_keep_their_times_and_the_last_its_length(tmp_path: Path, codec: str) -> None:
    source, target = tmp_path / "in.mov", tmp_path / "out.mov"
    times = [0, 40, 45, 300, 1000, 1001, 1400]
    make_video(source, times)

    convert(source, target, codec=codec, pixel_format=_FORMATS.get(codec, "yuv420p"))

    assert shown(target).times == [time * MILLISECOND for time in times]
    assert length(target) == length(source)


def length(path: Path) -> Fraction:
    """Seconds of the first track that a mov's edit list has players show."""
    index = path.read_bytes()
    timescale = int.from_bytes(index[(at := index.index(b"mvhd") + 16) : at + 4], "big")
    duration = int.from_bytes(index[(at := index.index(b"elst") + 12) : at + 4], "big")
    return Fraction(duration, timescale)


def make_hdr(path: Path) -> None:
    """Half a second of HDR10."""
    with av.open(str(path), "w") as target:
        video = target.add_stream(
            "libx265",
            rate=25,
            width=128,
            height=72,
            pix_fmt="yuv420p10le",
            options={
                "preset": "ultrafast",
                "x265-params": "log-level=error:max-cll=1000,400:master-display="
                "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)",
            },
        )
        context = video.codec_context
        context.color_primaries, context.color_trc, context.colorspace = 9, 16, 9
        context.color_range = 1
        for index in range(12):
            frame = picture(index, 128, 72).reformat(format="yuv420p10le")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            target.mux(video.encode(frame))
        target.mux(video.encode(None))


@pytest.mark.parametrize(
    ("container", "codec", "pixel_format"),
    [
        ("mp4", "hevc", "yuv420p10le"),
        ("mts", "hevc", "yuv420p10le"),
        ("mp4", "h264", "yuv420p10le"),
        ("mov", "prores", "yuv422p10le"),
        ("mov", "ffv1", "yuv420p10le"),
    ],
)
def test_hdr_is_carried(tmp_path: Path, container: str, codec: str, pixel_format: str) -> None:
    source, target = tmp_path / "in.mkv", tmp_path / f"out.{container}"
    make_hdr(source)

    convert(source, target, codec=codec, pixel_format=pixel_format)

    frame = ffprobe_frame(target)
    assert frame["color_transfer"] == "smpte2084"
    assert (frame["color_primaries"], frame["color_space"]) == ("bt2020", "bt2020nc")
    assert mediainfo(target)["transfer_characteristics"] == "PQ"
    assert_colour_volume(target)


def assert_colour_volume(path: Path) -> None:
    with av.open(str(path)) as made:
        volume = colour_volume(next(made.decode(video=0)))
    assert volume == ColourVolume(
        ((34000, 16000), (13250, 34500), (7500, 3000), (15635, 16450), (50, 10_000_000)),
        (1000, 400),
    )
