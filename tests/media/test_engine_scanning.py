"""How videos are scanned: what the pictures show, whatever the file says."""

from pathlib import Path

import pytest

from services.media.engine.probe import probe
from services.media.engine.scanning.cadence import is_telecined
from services.media.engine.scanning.seen import Seen, seen_scanning
from services.media.engine.scanning.taken import taken_for
from services.media.engine.scanning.told import PROGRESSIVE, UNKNOWN, Scanning
from tests.media.filtering import ffmpeg, lossless
from tests.media.material import COLLECTION, FILM, unheard

TOP, BOTTOM = (Scanning("interlaced", order) for order in ("top_first", "bottom_first"))
# Of the film, what moves: 24 pictures a second, here taken for 50 or 60.
FAST = "setpts=N/50/TB"


def seen(path: Path) -> Seen:
    """What is seen in a file; the way there only goes forward, to its end."""
    progress: list[float] = []
    found = seen_scanning(path, probe(path, unheard), progress.append)
    assert progress == sorted(progress)
    assert progress[-1] == 100
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("derived/bbb_540i60_tff_mpeg2.ts", Seen(TOP)),
        ("derived/bbb_720i60_bff_h264.mp4", Seen(BOTTOM)),
        ("derived/bbb_720_combed_flagged_progressive.mp4", Seen(TOP)),
        ("derived/bbb_trailer_telecine_2398to2997_tff.mpg", Seen(TOP, telecined=True)),
        ("video_interlaced/sony_1080i50_h264_ac3.mts", Seen(TOP)),
        ("video_interlaced/avcintra_1080i59_separate_fields_tff.h264", Seen(TOP)),
        # Two frames are too few to tell.
        ("video_interlaced/d10_imx50_576i_tff.mxf", Seen(UNKNOWN)),
        ("video_interlaced/xdcam_ex_1080i50_flagged_tb_but_progressive.mov", Seen(PROGRESSIVE)),
        # What moves up and down is taken for fields by FFmpeg's filter alone.
        ("video/mpeg4_mp3.avi", Seen(PROGRESSIVE)),
        ("video/bt709_fullrange_720p.mp4", Seen(PROGRESSIVE)),
        ("video/hevc_foreman_720p24.mp4", Seen(PROGRESSIVE)),
        ("video/pancake_h264.mkv", Seen(PROGRESSIVE)),
        ("video/rot_90_tiny.mov", Seen(UNKNOWN)),
        # Nothing moves.
        ("video_pro/prores_422_lt.mov", Seen(UNKNOWN)),
    ],
)
def test_collection(name: str, expected: Seen) -> None:
    if not COLLECTION.exists():
        pytest.skip("../shared/media is not there")
    assert seen(COLLECTION / name) == expected


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        (f"{FAST},interlace=scan=tff:lowpass=off,setfield=prog", Seen(TOP)),
        (f"{FAST},interlace=scan=bff:lowpass=off,setfield=prog", Seen(BOTTOM)),
        ("setfield=tff", Seen(PROGRESSIVE)),
        ("telecine=first_field=top:pattern=23,setfield=prog", Seen(TOP, telecined=True)),
        ("telecine=first_field=bottom:pattern=23,setfield=prog", Seen(BOTTOM, telecined=True)),
        ("trim=end_frame=4", Seen(UNKNOWN)),
        ("loop=loop=80:size=1,trim=end_frame=80", Seen(UNKNOWN)),
    ],
    ids=["top", "bottom", "flagged", "telecine", "telecine bottom", "tiny", "still"],
)
def test_own_film_with_other_flags(tmp_path: Path, chain: str, expected: Seen) -> None:
    path = tmp_path / "film.mkv"
    lossless(path, FILM, f"crop=480:352,trim=end_frame=100,{chain}", "-fps_mode", "passthrough")
    assert seen(path) == expected


def test_long_video_is_looked_at_in_three_places(tmp_path: Path) -> None:
    """A film of which only the last minute is interlaced, at a frame a second."""
    path = tmp_path / "film.mkv"
    fields = f"[0:v]{FAST},interlace=scan=tff:lowpass=off,setfield=prog,trim=end_frame=60"
    chain = f"{fields},scale=320:180:interl=1,setpts=(N+180)/TB[i];[0:v]trim=end_frame=140,"
    chain += "scale=320:180,setpts=N/TB[p];[p][i]concat=unsafe=1[v]"
    ffmpeg("-i", FILM, "-filter_complex", chain, "-map", "[v]", "-c:v", "ffv1", "-r", "1", path)
    facts = probe(path, unheard)
    assert facts.duration > 180
    found = seen_scanning(path, facts, unheard)
    assert found.scanning == TOP
    assert taken_for(facts, found).field_order == "top_first"


def test_cadence_is_told_by_turns() -> None:
    cycle = ["neither", "neither", "top", "neither", "bottom"]
    assert is_telecined(cycle * 8)
    # A cut shifts it.
    assert is_telecined([*cycle * 4, "neither", "neither", "neither", *cycle * 4])
    assert not is_telecined(cycle * 3)
    assert not is_telecined(["neither"] * 100)
    assert not is_telecined(["top", "bottom"] * 50)
    assert not is_telecined(["neither", "neither", "top", "neither", "top"] * 20)


def test_what_is_seen_goes_before_what_is_told(tmp_path: Path) -> None:
    facts = probe(FILM, unheard)
    assert facts.scanning == "progressive"
    taken = taken_for(facts, Seen(BOTTOM))
    assert (taken.scanning, taken.field_order) == ("interlaced", "bottom_first")
    # Field orders are told better than seen.
    assert taken_for(taken, Seen(TOP)).field_order == "bottom_first"
    assert taken_for(taken, Seen(PROGRESSIVE)) == facts
    assert taken_for(taken, Seen(UNKNOWN)) == taken
