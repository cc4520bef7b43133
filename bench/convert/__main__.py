"""What a conversion costs, beside the `ffmpeg` program with the same settings.

Real clips, shown again and again for over 30 s, are converted by `video.process`, or by
`video.convert` with its own defaults, which also look through the source before and through their
output after, and by ffmpeg, told the same encoder, options and filters. They take turns; compare
within a line.

The program is that of the imageio-ffmpeg wheel, whose codecs are nearest to ours, installed for the
run only; and with --system also the system's.

CPU is the processor time of all threads, user's and system's. The peak of memory is of the process
that converts, ours with its interpreter and all its libraries. A conversion that is split, as the
videos service's are, runs in two processes at a time, and the peaks of both are counted.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
from rich.console import Console
from rich.table import Table

from bench.convert import peer
from bench.convert.cases import CASES, Case, make_clips
from bench.convert.cost import Cost, Made, made, run_ours, run_peer

OURS = "ours"
MEDIA = Path(__file__).parents[3] / "shared" / "media"
MIB = 1 << 20

# Where it goes to a file, the tables are not folded.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


@dataclass(frozen=True)
class Row:
    """What one case cost, round by round, and the bytes of the pictures, by who made them."""

    case: Case
    costs: Mapping[str, Sequence[Cost]]
    sizes: Mapping[str, int]


def main() -> int:
    """Run the bench and print its tables; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.convert",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=1, help="turns of every case (1)")
    parser.add_argument("--seconds", type=float, default=31, help="of every clip (31)")
    parser.add_argument("--case", type=int, action="append", help="only this one, from 1 on")
    parser.add_argument("--system", action="store_true", help="beside the system's ffmpeg too")
    parser.add_argument("--ffmpeg", type=Path, help="beside this program, nothing installed")
    parser.add_argument("--media", type=Path, default=MEDIA, help="the collection of clips")
    options = parser.parse_args()
    numbers = options.case or range(1, len(CASES) + 1)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with console.status("Getting ready"):
            programs = _programs(options, folder)
            program = next(iter(programs.values()))
            clips = make_clips(program, options.media, options.seconds, folder)
        rows = []
        for case in (CASES[number - 1] for number in numbers):
            with console.status(case.name):
                rows.append(_contest(case, clips[case.clip], programs, folder, options.rounds))
    for version in programs:
        console.print(_table(version, rows))
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    console.print(
        f"{options.rounds} rounds, {os.cpu_count()} cores; load average {load}, the bench's own "
        f"load included. Ours: PyAV {av.__version__}, {_ours()}."
    )
    return 0


def _programs(options: argparse.Namespace, folder: Path) -> dict[str, Path]:
    programs = [options.ffmpeg or peer.install(folder)]
    programs += [path for path in [peer.of_system()] if path and options.system]
    return {peer.version(path): path for path in programs}


def _ours() -> str:
    codecs = ".".join(map(str, av.library_versions["libavcodec"]))
    return f"FFmpeg {av.ffmpeg_version_info}, libavcodec {codecs}"


def _contest(
    case: Case, clip: Path, programs: Mapping[str, Path], folder: Path, rounds: int
) -> Row:
    """Measure all, taking turns. Raises RuntimeError when they do not make the same."""
    target = folder / case.output
    costs: dict[str, list[Cost]] = defaultdict(list)
    results: dict[str, Made] = {}
    for _ in range(rounds):
        costs[OURS].append(run_ours(clip, folder, case))
        results[OURS] = made(target)
        for name, program in programs.items():
            costs[name].append(
                run_peer(peer.command(program, clip, target, case.spec), folder / "log")
            )
            results[name] = made(target)
            if not results[name].is_like(results[OURS]):
                raise RuntimeError(f"{case.name}: {results[name]} by {name}, {results[OURS]} by us")
    return Row(case, costs, {name: each.bytes for name, each in results.items()})


def _table(program: str, rows: Sequence[Row]) -> Table:
    """Medians over the rounds; ratios are taken within rounds, before the median."""
    table = Table(title=f"beside {program}", title_justify="left")
    table.add_column("conversion")
    headings = (
        "CPU s",
        "theirs",
        "ratio",
        "s",
        "theirs",
        "ratio",
        "peak MiB",
        "theirs",
        "+",
        "bytes",
    )
    for heading in headings:
        table.add_column(heading, justify="right")
    for row in rows:
        ours, theirs = row.costs[OURS], row.costs[program]
        pairs = list(zip(ours, theirs, strict=True))
        table.add_row(
            row.case.name + (f", {ours[0].parts} parts" if ours[0].parts else ""),
            *_compared([(mine.cpu, other.cpu) for mine, other in pairs]),
            *_compared([(mine.wall, other.wall) for mine, other in pairs]),
            *(f"{max(each.bytes for each in costs) / MIB:.0f}" for costs in (ours, theirs)),
            f"{(max(each.bytes for each in ours) - max(each.bytes for each in theirs)) / MIB:+.0f}",
            f"{row.sizes[OURS] / row.sizes[program]:.2f}",
        )
    return table


def _compared(pairs: Sequence[tuple[float, float]]) -> Iterator[str]:
    """Ours, theirs, and how many times theirs ours is."""
    for side in (0, 1):
        yield f"{statistics.median(pair[side] for pair in pairs):.1f}"
    yield f"{statistics.median(mine / other for mine, other in pairs):.2f}"


if __name__ == "__main__":
    sys.exit(main())
