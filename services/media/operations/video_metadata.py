"""Words the facts of a video file as the contract's message."""

from typing import TYPE_CHECKING

from vitascope.media.v1.operations_pb2 import (
    ChromaSubsamplingInfo,
    PixelFormat,
    Scanning,
    ScanningFinding,
    VideoMetadata,
)

if TYPE_CHECKING:
    # The engine brings FFmpeg, which whoever lists operations does not need.
    from services.media.engine.probe import VideoFacts


def video_metadata(facts: "VideoFacts") -> VideoMetadata:
    """The metadata message of a probed file."""
    aspect = facts.display_aspect_ratio
    return VideoMetadata(
        container_name=facts.container_name,
        long_container_name=facts.long_container_name,
        codec_name=facts.codec_name,
        long_codec_name=facts.long_codec_name,
        pixel_format=_pixel_format(facts),
        frame_width=facts.width,
        frame_height=facts.height,
        display_aspect_ratio=float(aspect) if aspect else None,
        scanning=Scanning(
            metadata=ScanningFinding(
                scanning_type=facts.scanning, interlaced_field_order=facts.field_order
            )
        ),
        average_framerate=float(facts.average_rate),
        duration_in_millis=round(facts.duration * 1000),
        total_frames=facts.frames,
        size=facts.size,
        video_stream_size=facts.stream_size,
        primary_bit_depth=facts.pixels.bits,
    )


def _pixel_format(facts: "VideoFacts") -> PixelFormat:
    pixels = facts.pixels
    if pixels.subsampling is None:
        return PixelFormat(name=pixels.name)
    subsampling = ChromaSubsamplingInfo(yuv=pixels.subsampling, bits=pixels.bits)
    return PixelFormat(name=pixels.name, chroma_subsampling=subsampling)
