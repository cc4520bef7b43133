"""Runs `video.convert` and `video.reverse` as a worker's child does; each version's defaults."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.media.operations import Job, Part, Result, SourceFile, Split, operation, part_file
from tests.media.filtering import ffmpeg
from tests.media.material import FILM

V1: dict[str, Any] = {
    "video_codec": "h264",
    "video_bitrate": 512,
    "audio_codec": "aac",
    "audio_bitrate": 64,
    "sample_rate": 48_000,
}
V2 = {**V1, "video_bitrate": 3000, "audio_bitrate": 128, "sample_rate": 44_100}
V2 |= {"crf": 23, "gop": 250}
REVERSE_V2: dict[str, Any] = {"video_codec": "h264", "crf": 23, "gop": 250}


def clip(path: Path, seconds: int = 1) -> Path:
    """Write the beginning of the film, small, which is soon converted."""
    ffmpeg("-i", FILM, "-t", str(seconds), "-vf", "scale=160:96", "-movflags", "+faststart", path)
    return path


def ran(kind: str, wishes: Mapping[str, Any], source: Path, folder: Path) -> tuple[Any, Path]:
    """The result of a run that is not split, and the file that it made."""
    told: list[float] = []
    spec = operation(kind).spec_type(url="http://a/b", **wishes)
    done = operation(kind).run(Job(spec, {"video": _file(source)}, folder, told.append))
    assert isinstance(done, Result)
    assert told == sorted(told)
    assert told[-1] == 100
    (output,) = done.outputs
    return done.message, output.path


def split(kind: str, wishes: Mapping[str, Any], source: Path, folder: Path) -> tuple[Any, Path]:
    """The result of a run that is split, once its parts are made, and the file that it made."""
    spec = operation(kind).spec_type(url="http://a/b", **wishes)
    files = {"video": _file(source)}
    asked = operation(kind).run(Job(spec, files, folder, _unheard))
    assert isinstance(asked, Split)
    assert len(asked.parts) > 1
    results = []
    for number, part in enumerate(asked.parts):
        message, made = _part(part, source, folder / str(number))
        files[part_file(number, "pictures")] = _file(made)
        results.append(message)
    done = operation(kind).run(Job(spec, files, folder, _unheard, parts=results))
    assert isinstance(done, Result)
    return done.message, done.outputs[0].path


def _part(part: Part, source: Path, folder: Path) -> tuple[Any, Path]:
    folder.mkdir()
    made = operation(part.kind).run(Job(part.spec, {"original": _file(source)}, folder, _unheard))
    assert isinstance(made, Result)
    return made.message, made.outputs[0].path


def _file(path: Path) -> SourceFile:
    return SourceFile(path, "as sent.bin", "application/octet-stream")


def _unheard(percent: float) -> None:
    """Progress that nobody looks at."""
