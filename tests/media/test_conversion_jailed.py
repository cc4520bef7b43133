"""`video.convert` and `video.reverse` in the real sandbox, within their own limits."""

from pathlib import Path
from typing import Any

import pytest

from services.media.sandbox import Failure, Sandbox
from tests.media.converting import REVERSE_V2, V2, clip
from tests.media.material import make_sound
from tests.media.measure import heard, shown
from tests.media.test_operations_jailed import done, jailed
from vitascope.tasks.v2.specs_pb2 import (
    VideoConvertResult,
    VideoConvertSpec,
    VideoReverseResult,
    VideoReverseSpec,
)

SPECS = [
    VideoConvertSpec(url="x", **V2),
    VideoReverseSpec(url="x", **REVERSE_V2),
]


@pytest.mark.parametrize("codec", ["aac", "mp3", "mp2", "wmav1", "wmav2"])
async def test_films_are_converted_in_jail(sandbox: Sandbox, tmp_path: Path, codec: str) -> None:
    film = clip(tmp_path / "film.mp4")
    wishes: dict[str, Any] = {**V2, "audio_codec": codec, "width": 80}
    made = await done(sandbox, VideoConvertSpec(url="x", **wishes), film, tmp_path)
    result = VideoConvertResult.FromString(made.result)
    assert (result.width, result.height, result.audio_codec) == (80, 48, codec)
    assert len(shown(made.outputs[0].path).times) == 24
    assert heard(made.outputs[0].path)[1].shape[1] >= 44_100


async def test_films_are_reversed_in_jail(sandbox: Sandbox, tmp_path: Path) -> None:
    film = clip(tmp_path / "film.mp4")
    made = await done(sandbox, VideoReverseSpec(url="x", **REVERSE_V2), film, tmp_path)
    assert VideoReverseResult.FromString(made.result).duration == pytest.approx(1, abs=0.05)
    assert len(shown(made.outputs[0].path).times) == 24
    assert heard(made.outputs[0].path)[1].shape[1] >= 44_100


@pytest.fixture
def half(tmp_path: Path) -> Path:
    """A film that is cut off: its index is whole, and half of its frames are missing."""
    path = clip(tmp_path / "half.mp4")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: type(spec).__name__)
async def test_a_file_that_is_cut_off_is_told(
    sandbox: Sandbox, half: Path, tmp_path: Path, spec: Any
) -> None:
    outcome = await jailed(sandbox, spec, half, tmp_path)
    assert outcome == Failure("The file is cut off: it ends before its video does.")


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: type(spec).__name__)
async def test_sound_alone_is_told(sandbox: Sandbox, tmp_path: Path, spec: Any) -> None:
    sound = tmp_path / "sound.mp4"
    make_sound(sound)
    outcome = await jailed(sandbox, spec, sound, tmp_path)
    assert outcome == Failure("The file holds sound only, no video.")
