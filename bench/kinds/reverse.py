"""video.reverse of a minute of 1080p, beside FFmpeg's filters reverse and areverse.

Both have x264 with the same settings, which are asked of our engine. FFmpeg's filter keeps all
decoded pictures in memory, some 3 MB each; ours keeps a window of them in a file. On two quiet
cores a round takes two minutes; FFmpeg is stopped after twenty.
The clip is a real film of 1080p, shown again and again, coded as its own encoders leave it: a key
frame every 250 pictures.
"""

import shutil
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path

from rich.table import Table

from bench.convert.peer import command
from bench.kinds.costs import Cost, operated, program
from bench.kinds.images import MEDIA, console
from services.media.operations import preload
from vitascope.tasks.v2.specs_pb2 import VideoReverseSpec

FILM = MEDIA / "video" / "hevc_aac51.ts"
SECONDS = 60
QUALITY, GROUP = 23, 250
# Of FFmpeg, for a round.
LIMIT = 1200


def measure(rounds: int) -> None:
    """Print what reversing costs."""
    found = shutil.which("ffmpeg")
    if found is None:
        console.print("ffmpeg is missing. Debian: apt install ffmpeg")
        return
    preload()
    costs: dict[str, list[Cost]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = _clip(found, folder)
        spec = VideoReverseSpec(url="http://a/b", video_codec="h264", crf=QUALITY, gop=GROUP)
        for _ in range(rounds):
            costs["ours"].append(operated("video.reverse", spec, {"video": clip}, folder))
            theirs = command(Path(found), clip, folder / "theirs.mp4", spec)
            costs["ffmpeg"].append(program(["timeout", str(LIMIT), *theirs]))
    console.print(__doc__)
    table = Table("", "wall s", "CPU s", "MiB at the peak", "wall, ours / its", "CPU, ours / its")
    wall, cpu = (
        statistics.median(getattr(each, figure) for each in costs["ours"])
        for figure in ("wall", "cpu")
    )
    for name, taken in costs.items():
        its = {
            figure: statistics.median(getattr(each, figure) for each in taken)
            for figure in ("wall", "cpu", "bytes")
        }
        table.add_row(
            name,
            f"{its['wall']:.1f}",
            f"{its['cpu']:.1f}",
            f"{its['bytes'] / 2**20:.0f}",
            f"{wall / its['wall']:.2f}",
            f"{cpu / its['cpu']:.2f}",
        )
    console.print(table)


def _clip(ffmpeg: str, folder: Path) -> Path:
    clip = folder / "minute.mp4"
    line: list[str | Path] = [ffmpeg, "-nostdin", "-loglevel", "fatal", "-stream_loop", "-1"]
    line += ["-i", FILM, "-t", str(SECONDS), "-map", "0:v:0", "-map", "0:a:0", "-c:v", "libx264"]
    line += ["-preset", "veryfast", "-crf", "20", "-g", str(GROUP), "-c:a", "aac", "-ac", "2"]
    program([*line, clip])
    return clip
