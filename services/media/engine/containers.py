"""The containers of new files: their muxers, and the sound that each can hold."""

from dataclasses import dataclass, field

_PCM = ("alaw", "mulaw", "s16be", "s16le", "s24be", "s24le", "s32be", "s32le", "f32be", "f32le")


@dataclass(frozen=True)
class Container:
    """A container, in FFmpeg's words."""

    muxer: str
    # The codecs of sound that its players know.
    carried: frozenset[str]
    # What sound of another codec becomes: aac or pcm.
    encoded: str = "aac"
    options: dict[str, str] = field(default_factory=dict)
    # Whether every frame must stand where one of a few rates puts it.
    constant_rate: bool = False


_ISO = {
    # The index goes in front, so that playing may start while loading.
    "movflags": "+faststart",
    # The unit of late starts; the usual millisecond pulls sound and picture apart.
    "movie_timescale": "90000",
}

CONTAINERS = {
    "mp4": Container(
        "mp4",
        frozenset({"aac", "ac3", "alac", "eac3", "flac", "mp3", "opus"}),
        options=_ISO,
    ),
    "mov": Container(
        "mov",
        frozenset({"aac", "ac3", "alac", "mp3", *(f"pcm_{sort}" for sort in _PCM)}),
        options=_ISO,
    ),
    "mxf": Container(
        "mxf",
        frozenset({"pcm_s16le", "pcm_s24le"}),
        encoded="pcm",
        constant_rate=True,
    ),
    "mts": Container(
        "mpegts",
        frozenset({"aac", "ac3", "dts", "eac3", "mp2", "mp3"}),
        # AVI's and Matroska's late starts stay where they were.
        options={"mpegts_copyts": "0"},
    ),
}
