"""What a file says about its streams beside what is in them: languages, titles, roles."""

from fractions import Fraction
from typing import Any

from av.container import InputContainer, OutputContainer
from av.stream import Disposition, Stream

from services.media.engine.containers import Container
from services.media.engine.part import Range

# What QuickTime calls a language that ISO 639-2 has two codes for.
_QUICKTIME_LANGUAGES = {
    "ces": "cze",
    "deu": "ger",
    "ell": "gre",
    "fra": "fre",
    "nld": "dut",
    "zho": "chi",
}
_ROLES = (
    Disposition.default
    | Disposition.dub
    | Disposition.original
    | Disposition.comment
    | Disposition.hearing_impaired
    | Disposition.visual_impaired
)


def carry_tags(source: Stream, made: Stream, container: Container) -> None:
    """Give a stream the language, the title and the role that its source has."""
    for name in ("language", "title"):
        value = source.metadata.get(name)
        if value:
            made.metadata[name] = value
    if container.muxer == "mov" and "language" in made.metadata:
        language = made.metadata["language"]
        made.metadata["language"] = _QUICKTIME_LANGUAGES.get(language, language)
    made.disposition = source.disposition & _ROLES


def carry_chapters(source: InputContainer, made: OutputContainer, part: Range) -> None:
    """Give a file the chapters that its part of the source has."""
    kept: list[Any] = []
    for chapter in source.chapters():
        unit = chapter["time_base"] or Fraction(1)
        start, end = (
            round((chapter[side] * unit - part.origin) * 1000) for side in ("start", "end")
        )
        last = end if part.end is None else min(end, round((part.end - part.origin) * 1000))
        if last > max(start, 0):
            times = {"start": max(start, 0), "end": last, "time_base": Fraction(1, 1000)}
            title = {key: value for key, value in chapter["metadata"].items() if key == "title"}
            kept.append({"id": len(kept), "metadata": title, **times})
    made.set_chapters(kept)
