"""These kinds in the real sandbox, within their own limits."""

from pathlib import Path

from services.media.sandbox import Failure, Sandbox
from tests.media.material import FILM
from tests.media.test_operations_jailed import done, jailed
from vitascope.tasks.v2.specs_pb2 import (
    VideoInfoResult,
    VideoInfoSpec,
    VideoStripResult,
    VideoStripSpec,
    VideoThumbResult,
    VideoThumbSpec,
)


async def test_frames_are_taken_in_jail(sandbox: Sandbox, tmp_path: Path) -> None:
    info = await done(sandbox, VideoInfoSpec(url="x"), FILM, tmp_path)
    assert VideoInfoResult.FromString(info.result).frame_rate == 24
    for name in ("jpeg", "png"):
        thumb = VideoThumbSpec(url="x", time=2.0, poster=True, width=100, format=name, quality=75)
        made = await done(sandbox, thumb, FILM, tmp_path)
        assert VideoThumbResult.FromString(made.result).height == 56
        assert made.outputs[0].path.stat().st_size > 0
        strip = VideoStripSpec(url="x", count=4, width=100, format=name)
        made = await done(sandbox, strip, FILM, tmp_path)
        assert VideoStripResult.FromString(made.result).width == 400


async def test_what_is_no_video_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.write_text("just some words")
    for spec in (
        VideoInfoSpec(url="x"),
        VideoThumbSpec(url="x", format="jpeg"),
        VideoStripSpec(url="x", count=2, format="jpeg"),
    ):
        outcome = await jailed(sandbox, spec, notes, tmp_path)
        assert outcome == Failure("The file is a text, not a video.")
