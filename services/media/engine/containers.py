"""The containers of new files: their muxers, and the sound that each can hold."""

from dataclasses import dataclass, field
from pathlib import Path

import av
from av.container import OutputContainer

_PCM = ("alaw", "mulaw", "s16be", "s16le", "s24be", "s24le", "s32be", "s32le", "f32be", "f32le")


@dataclass(frozen=True)
class Container:
    """A container, in FFmpeg's words."""

    muxer: str
    # The codecs of sound that its players know.
    carried: frozenset[str]
    # What becomes of sound in other codecs, by whether they lose any: aac or pcm.
    lossy: str = "aac"
    lossless: str = "aac"
    options: dict[str, str] = field(default_factory=dict)
    # Whether sound may begin after the picture; else silence comes first.
    late_starts: bool = True
    # Whether it has a track, or a component, for timecode.
    timecode: bool = False
    # The only rate of its sound, in Hz.
    sample_rate: int | None = None
    # The only layout of its sound, by FFmpeg's name.
    layout: str | None = None
    # Whether it has more than one stream of sound.
    many_sounds: bool = True
    # Whether FFmpeg is asked before a codec is put into it; it does not know all that works.
    checked: bool = True


_ISO = {
    # The index goes in front, so that playing may start while loading.
    "movflags": "+faststart",
    # The unit of late starts; the usual millisecond pulls sound and picture apart.
    "movie_timescale": "90000",
}

CONTAINERS = {
    "mp4": Container(
        "mp4",
        carried=frozenset({"aac", "ac3", "alac", "eac3", "flac", "mp3", "opus"}),
        options=_ISO,
        timecode=True,
    ),
    "mov": Container(
        "mov",
        carried=frozenset({"aac", "ac3", "alac", "mp3", *(f"pcm_{sort}" for sort in _PCM)}),
        lossless="pcm",
        options=_ISO,
        timecode=True,
    ),
    # Its sound lies frame by frame beside the picture, so that all of it is made anew;
    # plain samples lose nothing by that.
    "mxf": Container(
        "mxf",
        carried=frozenset(),
        lossy="pcm",
        lossless="pcm",
        late_starts=False,
        timecode=True,
        sample_rate=48_000,
    ),
    # Browsers play the first stream of sound, and mostly on two loudspeakers.
    "web": Container(
        "mp4", carried=frozenset({"aac"}), options=_ISO, layout="stereo", many_sounds=False
    ),
    # Windows Media Audio beside pictures that are not shown in the order of their decoding:
    # asf and avi have one time a picture, and mp4 has no name for such sound.
    "mkv": Container("matroska", carried=frozenset(), checked=False),
    "mts": Container("mpegts", carried=frozenset({"aac", "ac3", "dts", "eac3", "mp2", "mp3"})),
}


def create(path: Path, container: Container, codec: str) -> OutputContainer:
    """Begin a file. `codec` is that of its video, by the Video API's name."""
    url = f"file:{path.absolute()}"
    if codec == "ffv1" or not container.checked:
        # FFmpeg writes FFV1 into mov and WMA into Matroska, but PyAV asks first, and is told
        # no. The muxer that hands on to others is not asked.
        told = {"f": container.muxer, **container.options}
        options = ":".join(f"{name}={value}" for name, value in told.items())
        return av.open(f"[{options}]{_escaped(url)}", "w", format="tee")
    return av.open(url, "w", format=container.muxer, container_options=container.options)


def _escaped(url: str) -> str:
    """A name as FFmpeg's tee takes it, which means something by these characters."""
    return "".join(f"\\{each}" if each in "\\'| " else each for each in url)
