"""What is converted: real clips, made long, and what is made of them."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from services.media.engine.encoders.h264 import PIXEL_FORMATS
from vitascope.media.v1.operations_pb2 import VideoProcessSpec
from vitascope.tasks.v1 import specs_pb2 as v1
from vitascope.tasks.v2 import specs_pb2 as v2
from vitascope.tasks.v2.specs_pb2 import VideoConvertSpec

PROGRESSIVE_720 = "720p24"
PROGRESSIVE_1080 = "1080p24"
INTERLACED_1080 = "1080i25"

# Below the collection of media.
_CLIPS = {
    PROGRESSIVE_720: "video/film_bbb_trailer_720p24_h264_mp3.mp4",
    PROGRESSIVE_1080: "video/mpeg2_mp2_bbb.ts",
    INTERLACED_1080: "video_interlaced/sony_1080i50_h264_ac3.mts",
}
_BITRATES = {720: 5_000_000, 1080: 8_000_000}


Spec = VideoProcessSpec | VideoConvertSpec


@dataclass(frozen=True)
class Case:
    """One conversion: the clip, what is asked for, and the name of the file that is made."""

    clip: str
    name: str
    kind: str
    spec: Spec
    output: str


def _processed(clip: str, codec: str, height: int, *, yadif: bool = False) -> Case:
    """What the videos service would ask for. `height` is that of the new picture, 16:9."""
    is_prores = codec == "prores"
    container = "mov" if is_prores else "mp4"
    filters = ["yadif"] if yadif else []
    if str(height) not in clip:
        filters.append(f"scale to {height}p")
    spec = VideoProcessSpec(
        container=container,
        codec=codec,
        profile="standard" if is_prores else "",
        bitrate=0 if is_prores else _BITRATES[height],
        pixel_format="yuv422p10le" if is_prores else PIXEL_FORMATS[0],
        width=height * 16 // 9,
        height=height,
        deinterlacer="yadif" if yadif else "",
        source_field_order="top_first" if yadif else "",
    )
    name = f"{clip} to {codec}, {' and '.join(filters) or 'no filter'}"
    return Case(clip, name, "video.process", spec, f"output.{container}")


def _converted(
    clip: str, version: str, asked: type[v1.VideoConvertSpec | VideoConvertSpec]
) -> Case:
    """What a version of the Tasks API makes of a task that names nothing but its source."""
    fields = [each for each in asked.DESCRIPTOR.fields if each.has_default_value]
    spec = VideoConvertSpec(url="http://a/b")
    for each in fields:
        setattr(spec, each.name, each.default_value)
    return Case(clip, f"{clip} by video.convert of {version}", "video.convert", spec, "video.mp4")


CASES = (
    _processed(PROGRESSIVE_720, "h264", 720),
    _processed(PROGRESSIVE_720, "h264", 1080),
    _processed(PROGRESSIVE_720, "h264", 720, yadif=True),
    _processed(PROGRESSIVE_720, "prores", 720),
    _processed(PROGRESSIVE_720, "prores", 1080, yadif=True),
    _processed(PROGRESSIVE_1080, "h264", 1080),
    _processed(PROGRESSIVE_1080, "h264", 720),
    _processed(PROGRESSIVE_1080, "prores", 1080),
    _processed(INTERLACED_1080, "h264", 1080, yadif=True),
    _processed(INTERLACED_1080, "h264", 720, yadif=True),
    _processed(INTERLACED_1080, "prores", 720, yadif=True),
    _converted(PROGRESSIVE_720, "v2", v2.VideoConvertSpec),
    _converted(PROGRESSIVE_720, "v1", v1.VideoConvertSpec),
    _converted(PROGRESSIVE_1080, "v2", v2.VideoConvertSpec),
    _converted(INTERLACED_1080, "v2", v2.VideoConvertSpec),
)


def make_clips(program: Path, media: Path, seconds: float, folder: Path) -> dict[str, Path]:
    """Show the clips for so long, again and again, their packets untouched; the files by clip."""
    made = {}
    for name, clip in _CLIPS.items():
        made[name] = folder / f"{name}.mkv"
        command: list[str | Path] = [program, "-nostdin", "-loglevel", "error"]
        command += ["-stream_loop", "-1", "-i", media / clip, "-t", str(seconds)]
        command += ["-map", "0:v:0", "-map", "0:a:0", "-c", "copy", made[name]]
        subprocess.run(command, check=True)
    return made
