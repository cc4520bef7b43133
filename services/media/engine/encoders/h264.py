"""H.264, by x264."""

from av.codec.context import Flags
from av.container import OutputContainer
from av.video.stream import VideoStream

from services.media.engine.footage import Footage
from services.media.engine.plan import Encoding

# Grey is missing: as H.264 it comes out as yuv420p from most decoders.
PIXEL_FORMATS = (
    "yuv420p",
    "yuv422p",
    "yuv444p",
    "yuv420p10le",
    "yuv422p10le",
    "yuv444p10le",
)
# Frames that the encoder may look ahead, as far as this many bytes hold them.
_LOOKAHEAD = 40
_LOOKAHEAD_BYTES = 1 << 30


def h264(target: OutputContainer, encoding: Encoding, footage: Footage) -> VideoStream:
    """A stream of H.264 in a new file."""
    deep = "10" in footage.pixel_format
    frame_bytes = footage.width * footage.height * 3 * (2 if deep else 1)
    lookahead = max(10, min(_LOOKAHEAD, _LOOKAHEAD_BYTES // frame_bytes))
    options = {"preset": "fast", "rc-lookahead": str(lookahead)}
    if footage.field_order:
        options["x264-params"] = "bff=1" if footage.field_order == "bottom_first" else "tff=1"
    output = target.add_stream(
        "libx264",
        rate=footage.rate,
        options=options,
        width=footage.width,
        height=footage.height,
        pix_fmt=footage.pixel_format,
        bit_rate=encoding.bitrate,
        bit_rate_tolerance=encoding.bitrate,
        time_base=footage.clock,
    )
    context = output.codec_context
    context.flags |= Flags.frame_duration
    if footage.field_order:
        context.flags |= Flags.interlaced_dct | Flags.interlaced_me
    return output
