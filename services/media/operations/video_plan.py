"""Reads the spec of `video.process` as the engine's plan."""

from fractions import Fraction

from services.media.engine.plan import Encoding, Filters
from vitascope.media.v1.operations_pb2 import VideoProcessSpec


def filters_of(spec: VideoProcessSpec) -> Filters:
    """What the spec wants done to the pictures."""
    rate = spec.frame_rate if spec.HasField("frame_rate") else None
    ends = spec.HasField("end_position_milliseconds")
    return Filters(
        width=spec.width,
        height=spec.height,
        pixel_format=spec.pixel_format,
        source_field_order=spec.source_field_order,
        deinterlacer=spec.deinterlacer,
        denoiser=spec.denoiser,
        frame_rate_converter=spec.frame_rate_converter,
        frame_rate=Fraction(rate.numerator, rate.denominator) if rate else None,
        target_field_order=spec.target_field_order,
        start=Fraction(spec.start_position_milliseconds, 1000),
        end=Fraction(spec.end_position_milliseconds, 1000) if ends else None,
    )


def encoding_of(spec: VideoProcessSpec) -> Encoding:
    """How the spec wants the new file to be."""
    return Encoding(spec.container, spec.codec, spec.profile, spec.bitrate)
