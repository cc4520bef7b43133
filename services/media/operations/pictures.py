"""What kinds that make pictures share: the size that is asked for, and the file."""

from pathlib import Path
from typing import Any

from services.media.operations.contract import Output

_SUFFIXES = {"jpeg": "jpg", "gif": "gif", "png": "png"}


def asked_size(spec: Any) -> tuple[int | None, int | None]:
    """The width and height that a spec asks for, in pixels; None for what it leaves open."""
    width = spec.width if spec.HasField("width") else None
    return width, spec.height if spec.HasField("height") else None


def picture_output(folder: Path, name: str, file_format: str) -> Output:
    """The output of the kind as a picture in `folder`, still to be written; `jpeg` or the like."""
    file_name = f"{name}.{_SUFFIXES[file_format]}"
    return Output("output", folder / file_name, f"image/{file_format}", file_name)
