"""A `process-video` request, and what is known of the video that it is about."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any

from services.videos.model.rates import exact

_CONTAINERS = {"mxf": "mxf", "mpegts": "mts"}
_QUICKTIME_SUFFIXES = (".mov", ".qt")
_CODECS = {"mpeg2video": "mpeg2"}


@dataclass(frozen=True)
class Wish:
    """A `process-video` request as it came; None is what it left out. Times in milliseconds."""

    container: str | None = None
    codec: str | None = None
    prores_profile: str | None = None
    dnxhd_profile: str | None = None
    scanning_tag: str | None = None
    scanning_type: str | None = None
    field_order: str | None = None
    yuv: str | None = None
    bits: int | None = None
    mbps: float | None = None
    deinterlacer: str | None = None
    denoiser: str | None = None
    stabilizer: str | None = None
    scaler: str | None = None
    resizes: bool = False
    resolution_tag: str | None = None
    width: int | None = None
    height: int | None = None
    aspect_ratio_tag: str | None = None
    clarity_boost: str | None = None
    frame_rate_converter: str | None = None
    frame_rate_tag: str | None = None
    fps: float | None = None
    post_processor: str | None = None
    start: int | None = None
    end: int | None = None

    @property
    def interlaces(self) -> bool:
        """Whether fields are asked for."""
        return "interlaced" in (self.scanning_type, (self.scanning_tag or "").partition("_")[0])

    def normalised(self) -> "Wish":
        """The same wish in lower case, field orders as requests document them."""
        words = {
            field.name: value.lower()
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), str)
        }
        if order := words.get("field_order"):
            words["field_order"] = order.replace("_first", "_field")
        return replace(self, **words)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Source:
    """What ingestion found out about an original.

    `container` and `codec` are the API's words, or FFmpeg's for what the API has no word for.
    The bit rate is in bits per second, 0 if unknown; the duration in milliseconds.
    """

    file_name: str
    container: str
    codec: str
    width: int
    height: int
    display_aspect_ratio: float | None
    pixel_format: str
    yuv: str | None
    bits: int
    bitrate: float
    frame_rate: Fraction
    duration: int
    interlaced: bool
    field_order: str

    @classmethod
    def of(cls, file_name: str, metadata: Mapping[str, Any]) -> "Source":
        """Read the facts from metadata in protobuf's JSON form (64-bit numbers are strings)."""
        pixels = metadata.get("pixel_format", {})
        subsampling = pixels.get("chroma_subsampling", {})
        duration = int(metadata.get("duration_in_millis", 0))
        size = int(metadata.get("video_stream_size", 0)) or int(metadata.get("size", 0))
        codec = metadata.get("codec_name", "")
        scanning = metadata.get("scanning", {})
        return cls(
            file_name=file_name,
            container=_container(metadata.get("container_name", ""), file_name),
            codec=_CODECS.get(codec, codec),
            width=metadata.get("frame_width", 0),
            height=metadata.get("frame_height", 0),
            display_aspect_ratio=metadata.get("display_aspect_ratio"),
            pixel_format=pixels.get("name", ""),
            yuv=subsampling.get("yuv"),
            bits=subsampling.get("bits") or metadata.get("primary_bit_depth", 8),
            bitrate=size * 8000 / duration if duration else 0.0,
            frame_rate=exact(metadata.get("average_framerate", 0.0)),
            duration=duration,
            interlaced=_is_interlaced(scanning),
            field_order=_field_order(scanning),
        )


def _container(name: str, file_name: str) -> str:
    """FFmpeg reads QuickTime and MPEG-4 as one format: the file's name tells them apart."""
    if "mov" in name.split(","):
        suffix = PurePosixPath(file_name).suffix.lower()
        return "mov" if suffix in _QUICKTIME_SUFFIXES else "mp4"
    return _CONTAINERS.get(name, name)


def _is_interlaced(scanning: Mapping[str, Any]) -> bool:
    """Files often lie about it, pictures do not: the analysis wins where it found something."""
    for finding in (scanning.get("heuristics", {}), scanning.get("metadata", {})):
        if (kind := finding.get("scanning_type", "unknown")) != "unknown":
            return bool(kind == "interlaced")
    return False


def _field_order(scanning: Mapping[str, Any]) -> str:
    """The order that the file says, else the one that the analysis found, else the usual one."""
    for finding in (scanning.get("metadata", {}), scanning.get("heuristics", {})):
        if order := finding.get("interlaced_field_order"):
            return str(order)
    return "top_first"
