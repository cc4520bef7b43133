"""`docs/conversions.md` says what the code does."""

import re
from collections.abc import Iterator
from pathlib import Path

from services.videos.model.codecs import CODECS_OF, DNXHD, FULL_HD, PLAIN, PRORES, Encoding
from services.videos.model.rates import MXF, words

PAGE = (Path(__file__).parents[2] / "docs" / "conversions.md").read_text()
ENCODINGS = {**PLAIN, **{f"prores {name}": each for name, each in PRORES.items()}, **DNXHD}


def rows(heading: str) -> Iterator[list[str]]:
    """The cells of the table under a heading, without its head."""
    chapter = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in chapter.splitlines() if line.startswith("|")]
    for line in lines[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def documented() -> dict[str, list[str]]:
    """The cells of each codec or profile by its name."""
    found = {}
    for names, *cells in rows("What each codec has"):
        prefix = "prores " if names.startswith("prores ") else ""
        for name in names.removeprefix(prefix).split(", "):
            found[f"{prefix}{name}"] = cells
    return found


def depths(cell: str) -> dict[str, tuple[int, ...]]:
    found = {}
    for part in cell.split("; "):
        subsamplings, _, bits = part.partition(" with ")
        for yuv in subsamplings.split(", "):
            found[yuv] = tuple(map(int, bits.split(", ")))
    return found


def frames(encoding: Encoding) -> str:
    if encoding.frames:
        return ", ".join(map(str, encoding.frames))
    if encoding.least.width > 16:
        return f"from {encoding.least}"
    return f"to {encoding.most}" if encoding.most.width < FULL_HD.width + 1 else "any"


def test_containers() -> None:
    found = {
        container: tuple(codecs.split(", ")) for container, codecs in rows("Containers and codecs")
    }
    assert found == CODECS_OF
    listed = re.search(r"An MXF has (.*) frames per second", PAGE)
    assert listed
    assert listed[1].replace(" or ", ", ") == words(MXF)


def test_every_codec_and_profile() -> None:
    table = documented()
    assert table.keys() == ENCODINGS.keys()
    for name, encoding in ENCODINGS.items():
        chroma, sizes, interlaced, rates, bitrate = table[name]
        assert depths(chroma) == dict(encoding.depths), name
        assert sizes == frames(encoding), name
        assert (interlaced != "no") == encoding.interlaces, name
        assert (rates != "any") == bool(encoding.rates), name
        if rates not in ("any", "as mpeg2"):
            assert rates == words(encoding.rates), name
        assert bitrate.startswith("chosen") == (encoding.sets_bitrate and not encoding.bitrate), (
            name
        )
        for size in encoding.frames if encoding.frame_bytes else ():
            megabits = encoding.frame_bytes[size] * 8 * 25 / 1e6
            assert f"{megabits:.3g}" in bitrate, name
