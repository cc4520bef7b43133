"""What a processing makes, as the document reports it back."""

from collections.abc import Iterator
from fractions import Fraction

from google.protobuf.struct_pb2 import Struct

from services.videos.model.targets import Target
from vitascope.media.v1 import operations_pb2
from vitascope.videos.v1 import video_pb2


def parameters_message(target: Target) -> video_pb2.ProcessingParameters:
    """Everything that was decided about a processing; the stretch only where it was asked for."""
    return video_pb2.ProcessingParameters(
        source_video=video_pb2.SourceVideo(
            start_position_milliseconds=target.start, end_position_milliseconds=target.end
        ),
        target_video=video_pb2.TargetVideo(
            container=_named(target.container),
            codec=_named(target.codec, **({"profile": target.profile} if target.profile else {})),
            pixel_format=operations_pb2.PixelFormat(
                name=target.pixel_format,
                chroma_subsampling=operations_pb2.ChromaSubsamplingInfo(
                    yuv=target.yuv, bits=target.bits
                ),
            ),
            bitrate=target.bitrate,
            frame_width=target.width,
            frame_height=target.height,
            video_filters=_filters(target),
            scanning=operations_pb2.ScanningFinding(
                scanning_type="interlaced" if target.target_field_order else "progressive",
                interlaced_field_order=target.target_field_order or None,
            ),
            average_framerate=target.average_framerate,
        ),
    )


def _filters(target: Target) -> Iterator[video_pb2.NamedProperties]:
    """The filters in the order in which they run, with what was decided for each."""
    if target.deinterlacer:
        yield _named(target.deinterlacer, interlacedFieldOrder=target.source_field_order)
    if target.denoiser:
        yield _named(target.denoiser)
    if target.scaler:
        yield _named(target.scaler, width=target.width, height=target.height)
    if target.frame_rate_converter:
        yield _named(target.frame_rate_converter, fps=float(Fraction(target.frame_rate)))


def _named(name: str, **properties: str | float) -> video_pb2.NamedProperties:
    struct = Struct()
    struct.update(properties)
    return video_pb2.NamedProperties(name=name, properties=struct)
