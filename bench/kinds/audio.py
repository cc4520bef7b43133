"""audio.waveform and audio.convert of an hour, beside ffmpeg, lame and oggenc.

Ours are the operations as a worker's child runs them, with everything imported already; the rest
are programs. The hour is the trailer's music over and over, as MP3 and as WAV.
"""

import shutil
import statistics
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.table import Table

from bench.kinds.costs import Cost, operated, program
from bench.kinds.images import MEDIA, console
from services.media.operations import preload
from vitascope.tasks.v2.specs_pb2 import AudioConvertSpec, AudioWaveformSpec

MUSIC = MEDIA / "audio_beats" / "metal_madness_150bpm.ogg"
SECONDS = 3600


def measure(rounds: int) -> None:
    """Print what an hour of sound costs."""
    if shutil.which("ffmpeg") is None:
        console.print("ffmpeg is missing. Debian: apt install ffmpeg")
        return
    preload()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wav, mp3 = _hour(folder)
        console.print(__doc__)
        wave = AudioWaveformSpec(url="http://a/b", format="png")
        drawing = _ffmpeg(mp3, folder / "show.png")
        drawing[-1:-1] = ["-filter_complex", "showwavespic=s=1024x60", "-frames:v", "1"]
        work: Mapping[str, Callable[[], Cost]] = {
            "ours": lambda: operated("audio.waveform", wave, {"audio": mp3}, folder),
            "showwavespic": lambda: program(drawing),
        }
        _compare("audio.waveform of an hour of MP3", work, rounds)
        for codec, peers in _peers(wav, folder).items():
            _compare(f"audio.convert of an hour of WAV to {codec}", peers, rounds)


def _hour(folder: Path) -> tuple[Path, Path]:
    wav, mp3 = folder / "hour.wav", folder / "hour.mp3"
    looped = ["ffmpeg", "-v", "error", "-stream_loop", "-1", "-i", str(MUSIC), "-vn", "-t"]
    subprocess.run([*looped, str(SECONDS), str(wav)], check=True)
    subprocess.run(_lame(wav, mp3), check=True)
    return wav, mp3


def _peers(wav: Path, folder: Path) -> dict[str, Mapping[str, Callable[[], Cost]]]:
    def ours(codec: str) -> Callable[[], Cost]:
        spec = AudioConvertSpec(url="http://a/b", codec=codec)
        return lambda: operated("audio.convert", spec, {"audio": wav}, folder)

    peers: dict[str, dict[str, Callable[[], Cost]]] = {
        codec: {"ours": ours(codec)} for codec in ("mp3", "vorbis", "aac")
    }
    peers["mp3"]["ffmpeg -q:a 2"] = lambda: program(_lame(wav, folder / "its.mp3"))
    vorbis = _ffmpeg(wav, folder / "its.ogg", "-c:a", "libvorbis", "-q:a", "5")
    peers["vorbis"]["ffmpeg libvorbis -q:a 5"] = lambda: program(vorbis)
    aac = _ffmpeg(wav, folder / "its.m4a", "-c:a", "aac", "-b:a", "192k")
    peers["aac"]["ffmpeg -b:a 192k"] = lambda: program(aac)
    if shutil.which("lame"):
        lame: list[str | Path] = ["lame", "--quiet", "-V2", wav, folder / "lame.mp3"]
        peers["mp3"]["lame -V2"] = lambda: program(lame)
    if shutil.which("oggenc"):
        oggenc: list[str | Path] = ["oggenc", "-Q", "-q5", wav, "-o", folder / "oggenc.ogg"]
        peers["vorbis"]["oggenc -q5"] = lambda: program(oggenc)
    return dict(peers)


def _ffmpeg(source: Path, target: Path, *options: str) -> list[str | Path]:
    return ["ffmpeg", "-v", "error", "-y", "-i", source, *options, target]


def _lame(source: Path, target: Path) -> list[str | Path]:
    return _ffmpeg(source, target, "-c:a", "libmp3lame", "-q:a", "2")


def _compare(title: str, work: Mapping[str, Callable[[], Cost]], rounds: int) -> None:
    costs: dict[str, list[Cost]] = defaultdict(list)
    for _ in range(rounds):
        for name, run in work.items():
            costs[name].append(run())
    table = Table("", "CPU s", "wall s", "MiB at the peak", "CPU, ours / its", "wall, ours / its")
    medians = {
        name: (
            statistics.median(each.cpu for each in taken),
            statistics.median(each.wall for each in taken),
            statistics.median(each.bytes for each in taken) / 2**20,
        )
        for name, taken in costs.items()
    }
    cpu, wall, _ = medians["ours"]
    for name, (its_cpu, its_wall, mebibytes) in medians.items():
        table.add_row(
            name,
            f"{its_cpu:.1f}",
            f"{its_wall:.1f}",
            f"{mebibytes:.0f}",
            f"{cpu / its_cpu:.2f}",
            f"{wall / its_wall:.2f}",
        )
    console.print(f"\n{title}")
    console.print(table)
