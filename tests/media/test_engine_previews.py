"""Previews, by what is in them once they are decoded."""

import re
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from services.media.engine.glimpses import glimpses
from services.media.engine.previews.look import look_of
from services.media.engine.previews.storyboard import storyboard
from services.media.engine.previews.thumbnails import thumbnails
from services.media.engine.previews.web import web_video
from services.media.engine.probe import VideoFacts, probe
from services.media.engine.scanning.seen import seen_scanning
from services.media.engine.scanning.taken import taken_for
from tests.media import oracles
from tests.media.filtering import ffmpeg, lossless
from tests.media.material import FILM, make_video, unheard
from tests.media.measure import Samples, heard, luma, psnr, shown


def facts_of(path: Path) -> VideoFacts:
    """The facts of a file as ingestion takes them."""
    facts = probe(path, unheard)
    return taken_for(facts, seen_scanning(path, facts, unheard))


def thumbs(path: Path) -> tuple[Image.Image, Image.Image]:
    """The small and the large thumbnail of a file, decoded."""
    facts = facts_of(path)
    small, large = path.with_suffix(".small.jpg"), path.with_suffix(".large.jpg")
    progress: list[float] = []
    thumbnails(path, small, large, facts, look_of(path, facts), progress.append)
    assert progress == sorted(progress)
    assert progress[-1] == 100
    return jpeg(small), jpeg(large)


def jpeg(path: Path) -> Image.Image:
    """A picture that must be JPEG, decoded."""
    with Image.open(path) as picture:
        assert (picture.format, picture.mode) == ("JPEG", "RGB")
        return picture.copy()


def web(path: Path) -> Path:
    """The version of a file for browsers."""
    facts = facts_of(path)
    made = path.with_suffix(".web.mp4")
    web_video(path, made, facts, look_of(path, facts), unheard)
    return made


def pixels(picture: Image.Image) -> Samples:
    return np.asarray(picture.convert("RGB"), np.float64)


@pytest.mark.parametrize(
    ("size", "small", "large"),
    [
        ("1920x800", (320, 133), (1280, 533)),
        ("640x360", (320, 180), (640, 360)),
        ("200x100", (200, 100), (200, 100)),
        ("360x640", (180, 320), (360, 640)),
    ],
)
def test_thumbnails_fit_and_are_never_enlarged(
    tmp_path: Path, size: str, small: tuple[int, int], large: tuple[int, int]
) -> None:
    path = tmp_path / "a.mp4"
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=s={size}:d=0.2", "-pix_fmt", "yuv420p", path)
    assert tuple(each.size for each in thumbs(path)) == (small, large)


@pytest.mark.parametrize(
    ("pixel_format", "matrix", "levels"),
    [
        ("yuv420p", "bt709", "tv"),
        ("yuv420p", "smpte170m", "tv"),
        ("yuv444p", "bt709", "pc"),
        ("yuv422p10le", "bt709", "tv"),
        ("yuv444p12le", "smpte170m", "pc"),
        ("gbrp", "", "pc"),
        ("bgr0", "", "pc"),
    ],
)
def test_colours_are_right_in_all_previews(
    tmp_path: Path, pixel_format: str, matrix: str, levels: str
) -> None:
    path = tmp_path / "a.mkv"
    colours = [(200, 40, 30), (30, 180, 60), (40, 60, 210), (128, 128, 128)]
    bands = [
        f"color=#{r:02x}{g:02x}{b:02x}:s=80x240:d=0.4[c{n}]" for n, (r, g, b) in enumerate(colours)
    ]
    chain = ";".join(bands) + ";" + "".join(f"[c{n}]" for n in range(4)) + "hstack=4,format=gbrp"
    if matrix:
        chain += f",scale=out_color_matrix={matrix}:out_range={levels}"
    chain += f",format={pixel_format}"
    tags = ["-colorspace", matrix, "-color_range", levels] if matrix else []
    ffmpeg("-f", "lavfi", "-i", chain, "-c:v", "ffv1", *tags, path)
    with av.open(str(web(path))) as container:
        film = next(container.decode(video=0))
        assert (film.format.name, film.colorspace, film.color_range) == ("yuv420p", 1, 1)
        played = Image.fromarray(film.to_ndarray(format="rgb24", src_colorspace="ITU709"))
    for picture in (*thumbs(path), played):
        for number, colour in enumerate(colours):
            middle = pixels(picture)[picture.height // 2, int((number + 0.5) * picture.width / 4)]
            assert np.abs(middle - colour).max() <= 6, (number, middle)


@pytest.mark.parametrize(
    "turn",
    [
        ["-display_rotation", "90"],
        ["-display_rotation", "180"],
        ["-display_rotation", "270"],
        ["-display_rotation", "90", "-display_hflip"],
        ["-display_vflip"],
    ],
    ids=" ".join,
)
def test_pictures_stand_upright(tmp_path: Path, turn: list[str]) -> None:
    """As FFmpeg's program turns them."""
    path, judge = tmp_path / "a.mp4", tmp_path / "judge.png"
    ffmpeg(*turn, "-t", "0.5", "-i", FILM, "-an", "-c", "copy", path)
    ffmpeg("-i", path, "-frames:v", "1", judge)
    facts = probe(path, unheard)
    look = look_of(path, facts)
    with Image.open(judge) as judged:
        wanted = judged.copy()
    glimpse = next(glimpses(path, facts, [Fraction(0)], 1))
    ((_, picture),) = look.pictures([glimpse], look.size((1280, 1280)))
    assert picture.size == wanted.size
    assert psnr(pixels(picture), pixels(wanted)) > 35
    made = shown(web(path))
    assert (made.kept[0].width, made.kept[0].height) == look.size((1280, 720), 2)
    assert oracles.ffprobe(web(path))["streams"][0].get("side_data_list") is None
    played = Image.fromarray(made.kept[0].to_ndarray(format="rgb24")).resize(wanted.size)
    assert psnr(pixels(played), pixels(wanted)) > 25


def test_pixels_become_square(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    ffmpeg("-t", "0.5", "-i", FILM, "-vf", "scale=320:360,setsar=2", "-an", path)
    assert [each.size for each in thumbs(path)] == [(320, 180), (640, 360)]
    [stream] = oracles.ffprobe(web(path))["streams"]
    assert (stream["width"], stream["height"]) == (640, 360)
    assert stream.get("sample_aspect_ratio", "1:1") == "1:1"


def test_bright_pictures_are_brought_into_range(tmp_path: Path) -> None:
    """Grey of 100 cd/m2 as PQ has it, in BT.2020: neither washed out nor dark."""
    path = tmp_path / "a.mkv"
    # 0.508 of full scale, in limited range.
    level = 64 + round(0.508 * 876)
    source = f"nullsrc=s=320x180:d=0.2,format=yuv420p10le,geq=lum={level}:cb=512:cr=512"
    tags = ["-color_trc", "smpte2084", "-color_primaries", "bt2020", "-colorspace", "bt2020nc"]
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "ffv1", *tags, "-color_range", "tv", path)
    grey = pixels(thumbs(path)[1]).mean(axis=(0, 1))
    assert np.ptp(grey) < 4
    assert 100 < grey.mean() < 190
    [stream] = oracles.ffprobe(web(path))["streams"]
    assert (stream["pix_fmt"], stream["color_transfer"]) == ("yuv420p", "bt709")
    assert (stream["color_primaries"], stream["color_space"]) == ("bt709", "bt709")


def test_fields_are_made_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    fast = "crop=640:352,setpts=N/50/TB,interlace=scan=tff:lowpass=off,setfield=prog"
    lossless(path, FILM, f"trim=end_frame=80,{fast}", "-fps_mode", "passthrough")
    assert facts_of(path).scanning == "interlaced"
    made = [luma(frame) for frame in shown(web(path)).kept.values()]
    raw = [luma(frame) for frame in shown(path).kept.values()]
    assert max(_teeth(each) for each in raw) > 2
    assert max(_teeth(each) for each in made) < 1
    assert _teeth(pixels(thumbs(path)[1])) < 1


def _teeth(picture: Samples) -> float:
    """How much more neighbouring lines differ than those of the same field."""
    grey = picture.mean(axis=2) if picture.ndim == 3 else picture
    jumps = np.abs(grey[1:-1] - (grey[:-2] + grey[2:]) / 2)
    fields = np.abs(grey[2:-2] - (grey[:-4] + grey[4:]) / 2)
    return float((jumps**2).mean() / (fields**2).mean())


def test_thumbnail_is_neither_black_nor_fading_nor_blank(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    film = "[0:v]trim=end_frame=72,setpts=PTS-STARTPTS,fade=in:st=0:d=1.2,fade=out:st=1.8:d=1.2[f]"
    blank = "color=black:s=640x360:r=24:d=3[b];color=white:s=640x360:r=24:d=3[w]"
    joined = f"{film};{blank};[b][f][w]concat=3,format=yuv420p"
    ffmpeg("-i", FILM, "-filter_complex", joined, "-an", path)
    picture = pixels(thumbs(path)[1])
    assert picture.std() > 25
    # The film is in full light for this long only.
    film_at = [
        pixels(Image.fromarray(shown(path).kept[n].to_ndarray(format="rgb24"))) for n in (100, 110)
    ]
    assert abs(picture.mean() - np.mean([each.mean() for each in film_at])) < 30


def test_web_video_keeps_times_and_sound(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    times = [0, 100, 120, 500, 510, 900, 940, 980, 1500]
    make_video(path, times, size=(1600, 900), sound="ac3", sound_start=200)
    made = web(path)
    film, before = shown(made), shown(path)
    assert [round(time * 1000) for time in film.times] == times
    assert len(before.times) == len(film.times)
    start, samples = heard(made)
    assert samples.shape[0] == 2
    assert abs(start - Fraction(1, 5)) < Fraction(1, 20) or samples.shape[1] > 48_000
    picture, sound = oracles.ffprobe(made)["streams"]
    assert (picture["codec_name"], picture["profile"]) == ("h264", "High")
    assert (picture["width"], picture["height"], picture["pix_fmt"]) == (1280, 720, "yuv420p")
    assert (sound["codec_name"], sound["channel_layout"]) == ("aac", "stereo")


def test_web_video_can_be_played_while_it_loads(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    ffmpeg("-i", FILM, "-t", "1", "-c", "copy", path)
    whole = web(path).read_bytes()
    boxes, position = [], 0
    while position < len(whole):
        boxes.append(whole[position + 4 : position + 8])
        position += int.from_bytes(whole[position : position + 4], "big")
    assert boxes[0] == b"ftyp"
    assert boxes.index(b"moov") < boxes.index(b"mdat")


def board(path: Path) -> tuple[Image.Image, list[tuple[float, float, tuple[int, ...]]]]:
    """The storyboard of a video for browsers, and its cues: seconds, and a box in it."""
    picture, index = path.with_suffix(".board.jpg"), path.with_suffix(".vtt")
    storyboard(path, picture, index, "board.jpg", unheard)
    head, *cues = index.read_text().strip().split("\n\n")
    assert head == "WEBVTT"
    found = []
    for cue in cues:
        numbers = [int(each) for each in re.findall(r"\d+", cue)]
        clock = r"\d\d:\d\d:\d\d\.\d{3}"
        assert re.fullmatch(rf"{clock} --> {clock}\nboard\.jpg#xywh=\d+,\d+,\d+,\d+", cue), cue
        start, end = (
            h * 3600 + m * 60 + s + ms / 1000 for h, m, s, ms in (numbers[:4], numbers[4:8])
        )
        found.append((start, end, tuple(numbers[8:])))
    return jpeg(picture), found


@pytest.mark.parametrize(("rate", "seconds", "count"), [(25, 12, 12), (1, 150, 100), (25, 0.4, 1)])
def test_storyboard_shows_what_its_cues_say(
    tmp_path: Path, rate: int, seconds: float, count: int
) -> None:
    """Of a film that grows brighter from its beginning to its end."""
    path = tmp_path / "a.mp4"
    source = f"nullsrc=s=320x180:r={rate}:d={seconds},format=gray"
    brighter = f"geq=lum='255*T/{seconds}',format=yuv420p"
    ffmpeg("-f", "lavfi", "-i", source, "-vf", brighter, "-g", "50", path)
    picture, cues = board(path)
    assert len(cues) == count
    assert cues[0][0] == 0
    assert cues[-1][1] == pytest.approx(seconds, abs=0.01)
    assert all(one[1] == other[0] for one, other in pairwise(cues))
    assert picture.width <= 1600
    grey = pixels(picture).mean(axis=2)
    for start, end, (left, top, width, height) in cues:
        assert (width, height) == (160, 90)
        shade = grey[top : top + height, left : left + width].mean()
        # Shown is the frame of the middle, which began up to a frame earlier.
        middle = 255 * (start + end) / 2 / seconds
        assert middle - 255 / rate / seconds - 6 <= shade <= middle + 6
