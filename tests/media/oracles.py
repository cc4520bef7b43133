"""What other programs say of a media file."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.kit.servers import absent


def ffprobe(path: Path) -> dict[str, Any]:
    """The format and the streams of a file by ffprobe."""
    command = [
        program("ffprobe"),
        "-v",
        "error",
        "-show_format",
        "-show_streams",
        "-of",
        "json",
        str(path),
    ]
    found: dict[str, Any] = json.loads(_said(command))
    return found


def ffprobe_frame(path: Path) -> dict[str, Any]:
    """The first picture of a file by ffprobe."""
    command = [program("ffprobe"), "-v", "error", "-select_streams", "v:0", "-show_frames"]
    command += ["-read_intervals", "%+#1", "-of", "json", str(path)]
    frame: dict[str, Any] = json.loads(_said(command))["frames"][0]
    return frame


def mediainfo(path: Path, kind: str = "Video") -> dict[str, Any]:
    """The first track of a kind by MediaInfo."""
    tracks = json.loads(_said([program("mediainfo"), "--Output=JSON", str(path)]))
    found: dict[str, Any] = next(each for each in tracks["media"]["track"] if each["@type"] == kind)
    return found


def program(name: str) -> str:
    """Where a program is."""
    path = shutil.which(name)
    if path is None:
        absent(f"{name} is not installed")
    return path


def _said(command: list[str]) -> str:
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return run.stdout


def exiftool(path: Path, *tags: str) -> dict[str, Any]:
    """Tags of a picture by ExifTool, in numbers."""
    wanted = [f"-{tag}" for tag in tags]
    command = [program("exiftool"), "-json", "-n", *wanted, str(path)]
    found: dict[str, Any] = json.loads(_said(command))[0]
    return found


def magick(*arguments: str | Path) -> None:
    """Convert pictures by ImageMagick."""
    # Its name since version 7 is not installed with version 6, nor the other way around.
    _said([shutil.which("magick") or program("convert-im6.q16"), *map(str, arguments)])


def gifsicle(path: Path) -> str:
    """What gifsicle says of an animation."""
    return _said([program("gifsicle"), "--info", str(path)])
