"""Decides what a `process-video` request makes, from the wish and the source's facts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import PurePosixPath
from typing import Any

from services.chassis.errors import Invalid, Violation
from services.videos.model.frames import Size, decide_size, size_violations
from services.videos.model.vocabulary import CHOICES, CODECS_OF, H264_BITS, H264_YUV, not_yet

LEAST_MBPS, MOST_MBPS = 0.01, 4000.0
DOCUMENTED_BITS = (8, 10, 12, 14, 16)
BITS_PER_PIXEL = 0.1
"""What h264 needs for a decent picture, where the source does not say what it used."""

_NEAREST_H264_YUV = {"4:1:0": "4:2:0", "4:1:1": "4:2:2", "4:4:0": "4:4:4"}


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
    """What ingestion found out about an original. Bit rate in bits per second, 0 if unknown."""

    file_name: str
    width: int
    height: int
    display_aspect_ratio: float | None
    pixel_format: str
    yuv: str | None
    bits: int
    bitrate: float
    frame_rate: float
    duration: int
    interlaced: bool

    @classmethod
    def of(cls, file_name: str, metadata: Mapping[str, Any]) -> "Source":
        """Read the facts from metadata in protobuf's JSON form (64-bit numbers are strings)."""
        pixels = metadata.get("pixel_format", {})
        subsampling = pixels.get("chroma_subsampling", {})
        duration = int(metadata.get("duration_in_millis", 0))
        size = int(metadata.get("video_stream_size", 0)) or int(metadata.get("size", 0))
        scanning = metadata.get("scanning", {})
        finding = scanning.get("heuristics") or scanning.get("metadata") or {}
        return cls(
            file_name=file_name,
            width=metadata.get("frame_width", 0),
            height=metadata.get("frame_height", 0),
            display_aspect_ratio=metadata.get("display_aspect_ratio"),
            pixel_format=pixels.get("name", ""),
            yuv=subsampling.get("yuv"),
            bits=subsampling.get("bits") or metadata.get("primary_bit_depth", 8),
            bitrate=size * 8000 / duration if duration else 0.0,
            frame_rate=metadata.get("average_framerate", 0.0),
            duration=duration,
            interlaced=finding.get("scanning_type") == "interlaced",
        )


@dataclass(frozen=True)
class Target:
    """What a processing makes, everything decided. Bit rate in bits per second, times in ms."""

    container: str
    codec: str
    pixel_format: str
    yuv: str
    bits: int
    bitrate: int
    width: int
    height: int
    scales: bool
    file_name: str
    start: int | None = None
    end: int | None = None


def decide(wish: Wish, source: Source) -> Target:
    """Return the target that `wish` asks of `source`.

    Raises Invalid with one violation per field that is wrong or that nothing
    can run yet; what the wish leaves out follows from the source.
    """
    wish = wish.normalised()
    _refuse({violation.field: violation for violation in _violations(wish, source)})
    size = decide_size(wish, Size(source.width, source.height), source.display_aspect_ratio)
    container = wish.container or _container_like(source.file_name)
    yuv = wish.yuv or _h264_yuv(source)
    bits = wish.bits or (H264_BITS[0] if source.bits <= H264_BITS[0] else H264_BITS[-1])
    return Target(
        container=container,
        codec="h264",
        pixel_format=f"yuv{yuv.replace(':', '')}p" + (f"{bits}le" if bits > H264_BITS[0] else ""),
        yuv=yuv,
        bits=bits,
        bitrate=round(wish.mbps * 1e6) if wish.mbps is not None else _bitrate(source, size),
        width=size.width,
        height=size.height,
        scales=size != Size(source.width, source.height),
        file_name=f"{PurePosixPath(source.file_name).stem}.{container}",
        start=wish.start,
        end=wish.end,
    )


def _refuse(violations: Mapping[str, Violation]) -> None:
    """Raise Invalid when there is any violation, naming every field in the message."""
    if violations:
        message = "; ".join(f"{v.field}: {v.description}" for v in violations.values())
        raise Invalid(message, violations=tuple(violations.values()))


def _violations(wish: Wish, source: Source) -> Iterator[Violation]:
    """Everything wrong with `wish`; of two for one field the later one says it better."""
    for choice in CHOICES:
        value = getattr(wish, choice.wish)
        if value is not None and (violation := choice.violation(value)):
            yield violation
    yield from _format_violations(wish)
    yield from _scanning_violations(wish, source)
    yield from size_violations(wish, Size(source.width, source.height), source.display_aspect_ratio)
    yield from _time_violations(wish, source)


def _format_violations(wish: Wish) -> Iterator[Violation]:
    if wish.codec and wish.container in CODECS_OF and wish.codec not in CODECS_OF[wish.container]:
        takes = ", ".join(CODECS_OF[wish.container])
        yield Violation(
            field="mediaContainerCodec.codec",
            description=f"{wish.codec!r} does not go into {wish.container}, which takes {takes}",
        )
    if wish.bits is not None and wish.bits not in H264_BITS:
        if wish.bits in DOCUMENTED_BITS:
            yield not_yet("chromaSubsampling.bits", wish.bits, tuple(map(str, H264_BITS)))
        else:
            words = ", ".join(map(str, DOCUMENTED_BITS))
            yield Violation(
                field="chromaSubsampling.bits", description=f"{wish.bits} is not one of {words}"
            )
    if wish.mbps is not None and not LEAST_MBPS <= wish.mbps <= MOST_MBPS:
        yield Violation(
            field="bitrate.mbps",
            description=f"{wish.mbps} is not between {LEAST_MBPS} and {MOST_MBPS}",
        )


def _scanning_violations(wish: Wish, source: Source) -> Iterator[Violation]:
    if wish.scanning_tag is not None and wish.scanning_type is not None:
        yield Violation(
            field="scanning", description="takes a tag or a scanningType, not both together"
        )
    if wish.field_order is not None and wish.scanning_type != "interlaced":
        yield Violation(
            field="scanning.interlacedFieldOrder",
            description="is only for scanningType interlaced",
        )
    if wish.scanning_type == "interlaced" and wish.field_order is None:
        yield Violation(
            field="scanning.interlacedFieldOrder",
            description="must be top_field or bottom_field when scanningType is interlaced",
        )
    if source.interlaced:
        yield Violation(
            field="scanning",
            description="the source is interlaced: neither interlaced output nor deinterlacing"
            " is available yet",
        )


def _time_violations(wish: Wish, source: Source) -> Iterator[Violation]:
    if wish.fps is not None:
        if wish.frame_rate_tag is not None:
            yield Violation(field="frameRate", description="takes a tag or fps, not both")
        elif 0.001 <= wish.fps <= 999:
            yield not_yet("frameRate.fps", wish.fps)
        else:
            yield Violation(
                field="frameRate.fps", description=f"{wish.fps} is not between 0.001 and 999"
            )
    start = wish.start if wish.start is not None else 0
    end = wish.end if wish.end is not None else source.duration
    for field, value in (("startPositionMilliseconds", start), ("endPositionMilliseconds", end)):
        if not 0 <= value <= source.duration:
            description = f"{value} is not between 0 and {source.duration}, the source's duration"
            yield Violation(field=f"range.{field}", description=description)
            return
    if start >= end and (wish.start, wish.end) != (None, None):
        yield Violation(field="range", description="must end after it starts")
    elif (start, end) != (0, source.duration):
        yield not_yet("range", f"{start}-{end}", ("the whole video",))


def _container_like(file_name: str) -> str:
    """mov for a QuickTime source, else mp4: the only two containers that run."""
    return "mov" if PurePosixPath(file_name).suffix.lower() in (".mov", ".qt") else "mp4"


def _h264_yuv(source: Source) -> str:
    """The source's subsampling, or the nearest that h264 has and that loses no chroma."""
    if source.yuv in H264_YUV:
        return source.yuv
    if source.yuv is not None:
        return _NEAREST_H264_YUV.get(source.yuv, "4:2:0")
    return "4:2:0" if source.pixel_format.startswith(("gray", "mono", "ya")) else "4:4:4"


def _bitrate(source: Source, size: Size) -> int:
    """Bits per second: the source's, scaled by the number of pixels."""
    pixels = size.width * size.height
    rate = source.bitrate * pixels / max(source.width * source.height, 1)
    if not rate:
        rate = BITS_PER_PIXEL * pixels * (source.frame_rate or 25)
    return round(min(max(rate, LEAST_MBPS * 1e6), MOST_MBPS * 1e6))
