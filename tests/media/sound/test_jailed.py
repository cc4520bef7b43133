"""The kinds of sound in the real sandbox: nothing that they need is out of their reach."""

from pathlib import Path

import pytest

from services.media.sandbox import Failure, Sandbox
from tests.media.material import FILM, SIDEWAYS
from tests.media.test_operations_jailed import done, jailed
from vitascope.tasks.v2.specs_pb2 import (
    AudioConvertResult,
    AudioConvertSpec,
    AudioInfoResult,
    AudioInfoSpec,
    AudioWaveformSpec,
)


async def test_info_and_waveform(sandbox: Sandbox, tmp_path: Path) -> None:
    info = await done(sandbox, AudioInfoSpec(url="http://a/b"), FILM, tmp_path)
    assert AudioInfoResult.FromString(info.result).codec == "aac"
    wave = await done(sandbox, AudioWaveformSpec(url="http://a/b", format="png"), FILM, tmp_path)
    assert wave.outputs[0].path.stat().st_size > 0


@pytest.mark.parametrize("codec", ["mp3", "vorbis", "aac"])
async def test_convert(sandbox: Sandbox, tmp_path: Path, codec: str) -> None:
    spec = AudioConvertSpec(url="http://a/b", codec=codec, force=True)
    made = await done(sandbox, spec, FILM, tmp_path)
    assert AudioConvertResult.FromString(made.result).duration > 1
    assert made.outputs[0].path.stat().st_size > 0


async def test_a_picture_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    outcome = await jailed(sandbox, AudioInfoSpec(url="http://a/b"), SIDEWAYS, tmp_path)
    assert outcome == Failure("The file is a picture: it holds no sound.")
