"""How fast files come in and go out, through gateway and media, beside nginx and tusd.

One large file at a time, by curl, everybody taking turns within a round; the file is in the
system's memory, and what is fetched is thrown away.

  download        nginx by sendfile, and DownloadOriginal
  upload          nginx by PUT, and our form of one part
  tus             tusd's handler with its store of files, and our tus; one PATCH

Ours takes the SHA-256 of what comes in and has it on the disk before it answers; nginx and tusd
leave it to the system to write it some time. CPU is the processor time of all processes of that
server which the bytes go through. Memory is what they hold, all together, a quarter of the time
after the begin and at most: it should not grow with the file.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.ledger.servers import Missing
from bench.transfer import servers
from bench.transfer.transfer import Moved, download, put, resume, upload

MIB = 1 << 20
Found = Mapping[str, Sequence[Moved]]
# Ours, beside whom it is measured, and the peer.
PAIRS = {"download": ("ours", "nginx"), "upload": ("ours", "nginx"), "tus": ("ours", "tusd")}

# Where it goes to a file, the tables are not folded.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


def main() -> int:
    """Run the bench and print its table; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.transfer",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--mib", type=int, default=1024, help="size of the file (1024)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (3)")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as name:
            found = _measure(Path(name), options.mib * MIB, options.rounds)
    except Missing as error:
        console.print(f"Missing: {error}")
        return 1
    console.print(_table(found, options.mib))
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    console.print(
        f"{options.rounds} rounds, {os.cpu_count()} cores, Python {sys.version.split()[0]}; load "
        f"average {load}, the bench's own load included."
    )
    return 0


def _measure(folder: Path, size: int, rounds: int) -> Found:
    found: dict[str, list[Moved]] = defaultdict(list)
    with ExitStack() as stack, console.status("Starting") as status:
        jobs = _jobs(folder, size, stack)
        for number in range(rounds):
            for name, job in jobs.items():
                status.update(f"round {number + 1}: {name}")
                found[name].append(job())
    return found


def _jobs(folder: Path, size: int, stack: ExitStack) -> dict[str, Callable[[], Moved]]:
    nginx = stack.enter_context(servers.nginx(folder))
    tusd = stack.enter_context(servers.tusd(folder))
    ours = stack.enter_context(servers.suite(folder))
    file = folder / "nginx" / "files" / "film"
    _fill(file, size)
    video = upload(ours, file)[1]

    def bearer() -> str:
        return servers.token(ours.url)

    def fetched() -> Moved:
        path = f"/media/v1/download/original/{video}"
        return download(ours, path, size, [f"authorization: Bearer {bearer()}"])

    def resumed() -> Moved:
        token = bearer()
        return resume(ours, "/media/v1/tus", file, servers.new_video(ours.url, token), token)

    return {
        "download, nginx": lambda: download(nginx, "/film", size),
        "download, ours": fetched,
        "upload, nginx": lambda: put(nginx, file),
        "upload, ours": lambda: upload(ours, file)[0],
        "tus, tusd": lambda: resume(tusd, "/files/", file),
        "tus, ours": resumed,
    }


def _fill(file: Path, size: int) -> None:
    with file.open("wb") as out:
        for _ in range(size // MIB):
            out.write(os.urandom(MIB))


def _table(found: Found, mib: int) -> Table:
    """Medians over the rounds; ratios are taken within rounds, before the median."""
    table = Table(title=f"one file of {mib} MiB", title_justify="left")
    table.add_column("")
    for heading in ("MB/s", "of the peer", "CPU s", "of the peer", "MiB early", "MiB at most"):
        table.add_column(heading, justify="right")
    for name, moved in found.items():
        way, _, who = name.partition(", ")
        peers = found[f"{way}, {PAIRS[way][1]}"]
        rate = statistics.median(each.size / each.seconds / 1e6 for each in moved)
        ratios = [peer.seconds / each.seconds for each, peer in zip(moved, peers, strict=True)]
        costs = [each.cpu / peer.cpu for each, peer in zip(moved, peers, strict=True)]
        is_ours = who == PAIRS[way][0]
        table.add_row(
            name,
            f"{rate:.0f}",
            f"{statistics.median(ratios):.2f}" if is_ours else "",
            f"{statistics.median(each.cpu for each in moved):.2f}",
            f"{statistics.median(costs):.1f}" if is_ours else "",
            *(f"{_memory(moved, when):.0f}" for when in (0, 1)),
        )
    return table


def _memory(moved: Sequence[Moved], when: int) -> float:
    return max(sum(each[when] for each in one.memory.values()) for one in moved) / MIB


if __name__ == "__main__":
    sys.exit(main())
