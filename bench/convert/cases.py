"""What is converted: real clips, made long, and what is made of them."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from services.media.engine.encoders.h264 import PIXEL_FORMATS
from vitascope.media.v1.operations_pb2 import VideoProcessSpec

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


@dataclass(frozen=True)
class Case:
    """One conversion. `height` is that of the new picture, 16:9."""

    clip: str
    codec: str
    height: int
    yadif: bool = False

    @property
    def name(self) -> str:
        """The case in a few words."""
        filters = ["yadif"] if self.yadif else []
        if str(self.height) not in self.clip:
            filters.append(f"scale to {self.height}p")
        return f"{self.clip} to {self.codec}, {' and '.join(filters) or 'no filter'}"

    def spec(self) -> VideoProcessSpec:
        """What the videos service would ask for."""
        is_prores = self.codec == "prores"
        return VideoProcessSpec(
            container="mov" if is_prores else "mp4",
            codec=self.codec,
            profile="standard" if is_prores else "",
            bitrate=0 if is_prores else _BITRATES[self.height],
            pixel_format="yuv422p10le" if is_prores else PIXEL_FORMATS[0],
            width=self.height * 16 // 9,
            height=self.height,
            deinterlacer="yadif" if self.yadif else "",
            source_field_order="top_first" if self.yadif else "",
        )


CASES = (
    Case(PROGRESSIVE_720, "h264", 720),
    Case(PROGRESSIVE_720, "h264", 1080),
    Case(PROGRESSIVE_720, "h264", 720, yadif=True),
    Case(PROGRESSIVE_720, "prores", 720),
    Case(PROGRESSIVE_720, "prores", 1080, yadif=True),
    Case(PROGRESSIVE_1080, "h264", 1080),
    Case(PROGRESSIVE_1080, "h264", 720),
    Case(PROGRESSIVE_1080, "prores", 1080),
    Case(INTERLACED_1080, "h264", 1080, yadif=True),
    Case(INTERLACED_1080, "h264", 720, yadif=True),
    Case(INTERLACED_1080, "prores", 720, yadif=True),
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
