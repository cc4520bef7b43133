"""image.thumb of large photos, beside vipsthumbnail and Pillow.

Ours is the operation as a worker's child runs it, and Pillow is its `thumbnail`, both with
everything imported already; vipsthumbnail is a program, and starting it takes it some 45 ms, which
are told apart. All write a JPEG of quality 90.
"""

import math
import shutil
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from PIL import Image, ImageChops, ImageStat
from rich.console import Console
from rich.table import Table

from bench.kinds.costs import Cost, forked, operated, program
from services.media.operations import preload
from vitascope.tasks.v2.specs_pb2 import ImageThumbSpec

MEDIA = Path(__file__).parents[3] / "shared" / "media"
WIDTHS = (200, 640, 1280)
# Twelve megapixels of the photo of twenty-two.
TWELVE = (4243, 2828)

# Where it goes to a file, the tables are not folded.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


def measure(rounds: int) -> None:
    """Print what thumbnails cost."""
    if shutil.which("vipsthumbnail") is None:
        console.print("vipsthumbnail is missing. Debian: apt install libvips-tools")
        return
    preload()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = statistics.median(
            program(["vipsthumbnail", "--vips-version"]).cpu for _ in range(rounds)
        )
        console.print(f"{__doc__}\nStarting vipsthumbnail: {1000 * start:.0f} ms of CPU.")
        for label, photo in _photos(folder).items():
            for width in WIDTHS:
                _compare(label, photo, width, rounds, folder)


def _photos(folder: Path) -> dict[str, Path]:
    large = MEDIA / "image_photo" / "jpeg_22mp_5760x3840.jpg"
    twelve = folder / "twelve.jpg"
    with Image.open(large) as image:
        image.resize(TWELVE, Image.Resampling.LANCZOS).save(twelve, quality=90)
    return {
        "12 megapixels": twelve,
        "22 megapixels": large,
        "24 megapixels, progressive": MEDIA / "image_faces" / "bar_24mp_one_face.jpg",
    }


def _compare(label: str, photo: Path, width: int, rounds: int, folder: Path) -> None:
    made = {name: folder / name / "thumb.jpg" for name in ("ours", "vipsthumbnail", "Pillow")}
    for path in made.values():
        path.parent.mkdir(exist_ok=True)
    spec = ImageThumbSpec(url="http://a/b", width=width)
    work: Mapping[str, Callable[[], Cost]] = {
        "ours": lambda: operated("image.thumb", spec, {"image": photo}, made["ours"].parent),
        "vipsthumbnail": lambda: program(_vips(photo, width, made["vipsthumbnail"])),
        "Pillow": lambda: forked(lambda: _pillow(photo, width, made["Pillow"])),
    }
    costs: dict[str, list[Cost]] = defaultdict(list)
    for _ in range(rounds):
        for name, run in work.items():
            costs[name].append(run())
    table = Table("", "CPU ms", "wall ms", "MiB at the peak", "CPU, ours / its", "dB", "bytes")
    ours = statistics.median(each.cpu for each in costs["ours"])
    for name, taken in costs.items():
        cpu = statistics.median(each.cpu for each in taken)
        table.add_row(
            name,
            f"{1000 * cpu:.0f}",
            f"{1000 * statistics.median(each.wall for each in taken):.0f}",
            f"{statistics.median(each.bytes for each in taken) / 2**20:.0f}",
            f"{ours / cpu:.2f}",
            f"{_decibels(photo, made[name]):.1f}",
            f"{made[name].stat().st_size:,}",
        )
    console.print(f"\n{label} to a width of {width}")
    console.print(table)


def _vips(photo: Path, width: int, target: Path) -> list[str | Path]:
    return ["vipsthumbnail", photo, "--size", f"{width}x", "--output", f"{target}[Q=90]"]


def _pillow(photo: Path, width: int, target: Path) -> None:
    with Image.open(photo) as image:
        image.thumbnail((width, image.height), Image.Resampling.LANCZOS)
        image.save(target, quality=90)


def _decibels(photo: Path, thumb: Path) -> float:
    """How near a thumbnail is to scaling the whole photo by Lanczos."""
    with Image.open(thumb) as small, Image.open(photo) as whole:
        exact = whole.convert("RGB").resize(small.size, Image.Resampling.LANCZOS)
        difference = ImageChops.difference(exact, small.convert("RGB"))
    noise = statistics.fmean(rms**2 for rms in ImageStat.Stat(difference).rms)
    return 10 * math.log10(255**2 / noise)
