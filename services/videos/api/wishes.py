"""A `process-video` request as the record that the model decides on."""

from typing import Any

from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Value

from services.videos.model.wishes import Wish
from vitascope.videos.v1 import videos_pb2


def wish_of(request: videos_pb2.ProcessVideoRequest) -> Wish:
    """Flatten the request; what is not set becomes None."""
    return Wish(
        container=_given(request.media_container_codec, "container"),
        codec=_given(request.media_container_codec, "codec"),
        prores_profile=_given(request, "apple_prores_profile"),
        dnxhd_profile=_given(request, "dnxhd_hr_profile"),
        scanning_tag=_given(request.scanning, "tag"),
        scanning_type=_given(request.scanning, "scanning_type"),
        field_order=_given(request.scanning, "interlaced_field_order"),
        yuv=_given(request.chroma_subsampling, "yuv"),
        bits=_given(request.chroma_subsampling, "bits"),
        mbps=_given(request.bitrate, "mbps"),
        deinterlacer=_given(request, "deinterlacer"),
        denoiser=_given(request, "denoiser"),
        stabilizer=_given(request, "stabilizer"),
        scaler=_given(request, "scaler"),
        resizes=request.HasField("resolution"),
        resolution_tag=_given(request.resolution, "tag"),
        width=_given(request.resolution, "width"),
        height=_given(request.resolution, "height"),
        aspect_ratio_tag=_given(request.resolution, "aspect_ratio_tag"),
        clarity_boost=_clarity(request.clarity_boost),
        frame_rate_converter=_given(request, "frame_rate_converter"),
        frame_rate_tag=_given(request.frame_rate, "tag"),
        fps=_given(request.frame_rate, "fps"),
        post_processor=_given(request, "post_processor"),
        start=_given(request.range, "start_position_milliseconds"),
        end=_given(request.range, "end_position_milliseconds"),
    )


def _given(message: Message, field: str) -> Any:
    return getattr(message, field) if message.HasField(field) else None


def _clarity(value: Value) -> str | None:
    """A word, or a number written as one: 3 and 3.0 become "3"."""
    kind = value.WhichOneof("kind")
    if kind in (None, "null_value"):
        return None
    if kind == "number_value":
        return f"{value.number_value:g}"
    return value.string_value if kind == "string_value" else kind.removesuffix("_value")
