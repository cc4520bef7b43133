"""video.thumb and video.strip of a film of ten minutes, beside ffmpeg.

Ours is the operation as a worker's child runs it, with everything imported already; ffmpeg is a
program, and what starting it takes is told apart, once for a thumbnail and twenty times for a
strip. It moves to the same times (-ss), so both decode from the same key frames, and writes a JPEG
of about the same size; of the strip's frames it only makes single pictures.
"""

import shutil
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageChops, ImageStat
from rich.table import Table

from bench.kinds.costs import Cost, operated, program
from bench.kinds.images import MEDIA, console
from services.media.operations import preload
from vitascope.tasks.v2.specs_pb2 import VideoStripSpec, VideoThumbSpec

TRAILER = MEDIA / "video" / "film_bbb_trailer_720p24_h264_mp3.mp4"
SECONDS = 600
TIMES = (595.02, 431.52)
FRAMES = 20
WIDTH = 320


def measure(rounds: int) -> None:
    """Print what frames of videos cost."""
    if shutil.which("ffmpeg") is None:
        console.print("ffmpeg is missing. Debian: apt install ffmpeg")
        return
    preload()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = statistics.median(program(["ffmpeg", "-version"]).cpu for _ in range(rounds))
        console.print(f"{__doc__}\nStarting ffmpeg: {1000 * start:.0f} ms of CPU.")
        for suffix in ("mp4", "mkv"):
            film = _film(folder, suffix)
            for time in TIMES:
                _thumb(film, time, rounds, folder)
            _strip(film, rounds, folder)


def _film(folder: Path, suffix: str) -> Path:
    """The trailer eleven times, as it is: 720p, and a key frame every few seconds."""
    film = folder / f"film.{suffix}"
    source: list[str | Path] = ["-stream_loop", "10", "-i", TRAILER, "-t", str(SECONDS)]
    program(["ffmpeg", "-v", "error", *source, "-c", "copy", film])
    return film


def _thumb(film: Path, time: float, rounds: int, folder: Path) -> None:
    spec = VideoThumbSpec(url="http://a/b", time=time, format="jpeg")
    theirs = folder / "theirs.jpg"
    costs = _in_turns(
        rounds,
        {
            "ours": lambda: operated("video.thumb", spec, {"video": film}, folder),
            "ffmpeg -ss": lambda: program(_seek(film, time, theirs)),
        },
    )
    _print(f"{film.suffix}: the frame at {time} s, 1280 x 720", costs)
    with Image.open(folder / "thumb.jpg") as ours, Image.open(theirs) as other:
        difference = ImageChops.difference(ours.convert("RGB"), other.convert("RGB"))
    console.print(f"Mean difference of the pictures: {ImageStat.Stat(difference).mean}")


def _strip(film: Path, rounds: int, folder: Path) -> None:
    spec = VideoStripSpec(url="http://a/b", count=FRAMES, width=WIDTH, format="jpeg")
    last = SECONDS - 1
    times = [number * last / (FRAMES - 1) for number in range(FRAMES)]
    scaled = ["-vf", f"scale={WIDTH}:-2"]
    seeks = [_seek(film, time, folder / f"{time}.jpg", scaled) for time in times]
    costs = _in_turns(
        rounds,
        {
            "ours": lambda: operated("video.strip", spec, {"video": film}, folder),
            f"{FRAMES} times ffmpeg -ss": lambda: _summed([program(each) for each in seeks]),
        },
    )
    _print(f"{film.suffix}: {FRAMES} frames of all of it, {WIDTH} pixels wide", costs)


def _seek(film: Path, time: float, target: Path, filters: Sequence[str] = ()) -> list[str | Path]:
    quiet = ["-v", "error", "-nostdin", "-y"]
    one = ["-frames:v", "1", "-q:v", "4"]
    return ["ffmpeg", *quiet, "-ss", str(time), "-i", film, "-an", *filters, *one, target]


def _summed(costs: list[Cost]) -> Cost:
    return Cost(
        sum(each.wall for each in costs),
        sum(each.cpu for each in costs),
        max(each.bytes for each in costs),
    )


def _in_turns(rounds: int, work: Mapping[str, Callable[[], Cost]]) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = defaultdict(list)
    for _ in range(rounds):
        for name, run in work.items():
            costs[name].append(run())
    return costs


def _print(title: str, costs: Mapping[str, list[Cost]]) -> None:
    medians = {
        name: Cost(
            statistics.median(each.wall for each in taken),
            statistics.median(each.cpu for each in taken),
            max(each.bytes for each in taken),
        )
        for name, taken in costs.items()
    }
    ours = medians["ours"]
    table = Table("", "CPU ms", "wall ms", "MiB at the peak", "CPU, ours / its", "wall, ours / its")
    for name, cost in medians.items():
        table.add_row(
            name,
            f"{1000 * cost.cpu:.0f}",
            f"{1000 * cost.wall:.0f}",
            f"{cost.bytes / 2**20:.0f}",
            f"{ours.cpu / cost.cpu:.2f}",
            f"{ours.wall / cost.wall:.2f}",
        )
    console.print(f"\n{title}")
    console.print(table)
