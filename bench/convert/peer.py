"""The `ffmpeg` program, told to do what our engine does."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from av.audio.stream import AudioStream

from bench.convert.cases import Spec
from services.media.engine.colour import Colour
from services.media.engine.containers import CONTAINERS
from services.media.engine.encoders import settings_of
from services.media.engine.footage import Footage
from services.media.engine.plan import Encoding, Filters
from services.media.engine.probe import VideoFacts, probe
from services.media.engine.reading import open_video
from services.media.operations.video_conversion import conversion_of, reversal_of
from services.media.operations.video_plan import encoding_of, filters_of
from vitascope.media.v1.operations_pb2 import VideoProcessSpec
from vitascope.tasks.v2.specs_pb2 import VideoReverseSpec

_BT709 = Colour(full_range=False, matrix=1, transfer=1, primaries=1)
_VERSIONS = re.compile(r"(?m)^(ffmpeg version \S+|libavcodec +[\d. ]+\d)")


def install(folder: Path) -> Path:
    """Install the program of the imageio-ffmpeg wheel, for this run only; return it."""
    environment = folder / "peer"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pins = Path(__file__).with_name("peers.txt")
    pip: list[str | Path] = [environment / "bin" / "python", "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--disable-pip-version-check", "-r", pins], check=True)
    return next(environment.glob("lib/*/site-packages/imageio_ffmpeg/binaries/ffmpeg-*"))


def of_system() -> Path | None:
    """The program that the system has."""
    found = shutil.which("ffmpeg")
    return Path(found) if found else None


def version(program: Path) -> str:
    """The versions of the program and of its codecs, in one line."""
    done = subprocess.run([program, "-version"], capture_output=True, text=True, check=True)
    return ", ".join(" ".join(each.split()[:5]) for each in _VERSIONS.findall(done.stdout))


def command(
    program: Path, source: Path, target: Path, spec: Spec | VideoReverseSpec
) -> list[str | Path]:
    """The command line: the encoder and its options are asked of our engine."""
    facts = probe(source, lambda _: None)
    plan, encoding = _planned(spec, source, facts)
    told = settings_of(encoding, _footage(facts, plan))
    line: list[str | Path] = [program, "-nostdin", "-y", "-loglevel", "error", "-i", source]
    line += ["-map", "0:v:0", "-map", "0:a:0", "-fps_mode", "passthrough"]
    filters = _filters(facts, plan)
    if isinstance(spec, VideoReverseSpec):
        filters += ["reverse"]
        line += ["-af", "areverse"]
    line += ["-vf", ",".join(filters)] if filters else []
    line += [
        "-c:v",
        told.encoder,
        *_options({f"{name}:v": told.options[name] for name in told.options}),
    ]
    line += [*_sound(source, encoding), *_options(CONTAINERS[encoding.container].options), target]
    return line


def _planned(
    spec: Spec | VideoReverseSpec, source: Path, facts: VideoFacts
) -> tuple[Filters, Encoding]:
    if isinstance(spec, VideoProcessSpec):
        return filters_of(spec), encoding_of(spec)
    if isinstance(spec, VideoReverseSpec):
        plan = reversal_of(spec, source, facts)
    else:
        plan = conversion_of(spec, source, facts)
    return plan.filters, plan.encoding


def _footage(facts: VideoFacts, filters: Filters) -> Footage:
    return Footage(
        width=filters.width,
        height=filters.height,
        pixel_format=filters.pixel_format,
        clock=1 / facts.average_rate,
        rate=facts.average_rate,
        constant_rate=False,
        field_order=None,
        pixel_shape=facts.average_rate / facts.average_rate,
        colour=_BT709,
        display_matrix=None,
    )


def _filters(facts: VideoFacts, plan: Filters) -> list[str]:
    filters = ["yadif=mode=send_frame:deint=all:parity=tff"] if plan.deinterlacer else []
    wanted = plan.width, plan.height, plan.pixel_format
    if wanted != (facts.width, facts.height, facts.pixels.name):
        flags = "bicubic+accurate_rnd+full_chroma_int"
        filters += [f"scale={plan.width}:{plan.height}:flags={flags}"]
        filters += [f"format={plan.pixel_format}"]
    return filters


def _sound(source: Path, encoding: Encoding) -> list[str]:
    """As it is asked for; else copied where our engine copies it, or made anew as AAC."""
    if wanted := encoding.sound:
        told = {"c:a": wanted.codec, "b:a": wanted.bitrate, "ar": wanted.rate, "ac": 2}
        return _options({name: str(value) for name, value in told.items()})
    with open_video(source) as reader:
        sound: AudioStream = reader.streams.audio[0]
        codec, channels = sound.codec_context.codec.canonical_name, sound.layout.nb_channels
    if codec in CONTAINERS[encoding.container].carried:
        return ["-c:a", "copy"]
    return ["-c:a", "aac", "-b:a", str(96_000 * channels)]


def _options(options: dict[str, str]) -> list[str]:
    return [word for name, value in options.items() for word in (f"-{name}", value)]
