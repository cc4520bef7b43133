"""Reads the spec of `video.process` as the engine's plan."""

from fractions import Fraction

from services.media.engine.plan import Encoding, Filters
from vitascope.media.v1.operations_pb2 import Ratio, VideoProcessSpec


def filters_of(spec: VideoProcessSpec) -> Filters:
    """What the spec wants done to the pictures."""
    ends = spec.HasField("end_position_milliseconds")
    return Filters(
        width=spec.width,
        height=spec.height,
        pixel_format=spec.pixel_format,
        source_field_order=spec.source_field_order,
        deinterlacer=spec.deinterlacer,
        denoiser=spec.denoiser,
        frame_rate_converter=spec.frame_rate_converter,
        frame_rate=fraction_of(spec.frame_rate) if spec.HasField("frame_rate") else None,
        target_field_order=spec.target_field_order,
        start=Fraction(spec.start_position_milliseconds, 1000),
        end=Fraction(spec.end_position_milliseconds, 1000) if ends else None,
    )


def encoding_of(spec: VideoProcessSpec) -> Encoding:
    """How the spec wants the new file to be."""
    return Encoding(spec.container, spec.codec, spec.profile, spec.bitrate)


def ratio_of(number: Fraction) -> Ratio:
    """A fraction as the contract says it."""
    return Ratio(numerator=number.numerator, denominator=number.denominator)


def fraction_of(ratio: Ratio) -> Fraction:
    """A fraction of the contract."""
    return Fraction(ratio.numerator, ratio.denominator)
