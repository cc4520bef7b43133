"""Words the facts of a video file as the contract's message."""

from typing import TYPE_CHECKING

from vitascope.media.v1.operations_pb2 import (
    ChromaSubsamplingInfo,
    PixelFormat,
    QualityAssessment,
    QualityMetric,
    Scanning,
    ScanningFinding,
    VideoMetadata,
)

if TYPE_CHECKING:
    # The engine brings FFmpeg, which whoever lists operations does not need.
    from services.media.engine.probe import VideoFacts
    from services.media.engine.quality.assessment import Assessment
    from services.media.engine.scanning.seen import Seen


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


def finding(seen: "Seen") -> ScanningFinding:
    """What the pictures show of how they are scanned."""
    return ScanningFinding(
        scanning_type=seen.scanning.kind,
        interlaced_field_order=seen.scanning.field_order,
        pulldown="3:2" if seen.telecined else None,
    )


def quality_assessment(assessment: "Assessment") -> QualityAssessment:
    """How good the picture looks."""
    metrics = [
        QualityMetric(
            name=each.name,
            sample_mean=each.sample_mean,
            subjective_label=each.subjective_label,
            subjective_score=each.subjective_score,
        )
        for each in assessment.metrics
    ]
    overall = assessment.overall_subjective_score
    return QualityAssessment(metrics=metrics, overall_subjective_score=overall)


def _pixel_format(facts: "VideoFacts") -> PixelFormat:
    pixels = facts.pixels
    if pixels.subsampling is None:
        return PixelFormat(name=pixels.name)
    subsampling = ChromaSubsamplingInfo(yuv=pixels.subsampling, bits=pixels.bits)
    return PixelFormat(name=pixels.name, chroma_subsampling=subsampling)
