"""Words a stretch of a conversion, and what was found in its source, as the spec of a part."""

from pathlib import Path
from typing import TYPE_CHECKING

from services.media.operations.video_conversion import conversion_of
from services.media.operations.video_plan import encoding_of, filters_of, fraction_of, ratio_of
from vitascope.media.v1.operations_pb2 import SourceFacts, VideoProcessSpec, VideoSegmentSpec
from vitascope.tasks.v2.specs_pb2 import VideoConvertSpec

if TYPE_CHECKING:
    # The engine brings FFmpeg, which whoever lists operations does not need.
    from services.media.engine.plan import Encoding, Filters
    from services.media.engine.probe import VideoFacts
    from services.media.engine.segments import Stretch


def segment_spec(
    whole: VideoProcessSpec | VideoConvertSpec, facts: "VideoFacts", stretch: "Stretch"
) -> VideoSegmentSpec:
    """The spec of a part that makes a stretch of what `whole` makes."""
    return VideoSegmentSpec(
        process=whole if isinstance(whole, VideoProcessSpec) else None,
        convert=whole if isinstance(whole, VideoConvertSpec) else None,
        source=_message_of(facts),
        start=ratio_of(stretch.first),
        end=None if stretch.end is None else ratio_of(stretch.end),
    )


def plan_of(
    spec: VideoSegmentSpec, source: Path, facts: "VideoFacts"
) -> tuple["Filters", "Encoding"]:
    """What the whole makes of its source. Raises BadMedia."""
    if spec.HasField("convert"):
        conversion = conversion_of(spec.convert, source, facts)
        return conversion.filters, conversion.encoding
    return filters_of(spec.process), encoding_of(spec.process)


def stretch_of(spec: VideoSegmentSpec) -> "Stretch":
    """Which stretch a part makes."""
    from services.media.engine.segments import Stretch

    return Stretch(fraction_of(spec.start), fraction_of(spec.end) if spec.HasField("end") else None)


def facts_of(spec: VideoSegmentSpec) -> "VideoFacts":
    """What the source of a part holds."""
    from services.media.engine.pixels import describe
    from services.media.engine.probe import VideoFacts

    source = spec.source
    aspect = source.display_aspect_ratio
    return VideoFacts(
        container_name=source.container_name,
        long_container_name=source.long_container_name,
        codec_name=source.codec_name,
        long_codec_name=source.long_codec_name,
        pixels=describe(source.pixel_format),
        width=source.width,
        height=source.height,
        display_aspect_ratio=fraction_of(aspect)
        if source.HasField("display_aspect_ratio")
        else None,
        scanning=source.scanning,
        field_order=source.field_order or None,
        average_rate=fraction_of(source.average_rate),
        duration=fraction_of(source.duration),
        frames=source.frames,
        size=source.size,
        stream_size=source.stream_size,
    )


def _message_of(facts: "VideoFacts") -> SourceFacts:
    aspect = facts.display_aspect_ratio
    return SourceFacts(
        container_name=facts.container_name,
        long_container_name=facts.long_container_name,
        codec_name=facts.codec_name,
        long_codec_name=facts.long_codec_name,
        pixel_format=facts.pixels.name,
        width=facts.width,
        height=facts.height,
        display_aspect_ratio=None if aspect is None else ratio_of(aspect),
        scanning=facts.scanning,
        field_order=facts.field_order or "",
        average_rate=ratio_of(facts.average_rate),
        duration=ratio_of(facts.duration),
        frames=facts.frames,
        size=facts.size,
        stream_size=facts.stream_size,
    )
