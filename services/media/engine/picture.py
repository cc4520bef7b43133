"""The stream of pictures of a new file."""

from typing import cast

from av.codec.context import Flags
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from services.media.engine.encoders import settings_of
from services.media.engine.footage import Footage
from services.media.engine.plan import Encoding

# FFmpeg's AVFieldOrder: lines of both fields stored in turn, as all encoders
# here do, named by the field that comes first in time.
_FIELD_ORDERS = {None: 1, "top_first": 4, "bottom_first": 5}


class Picture:
    """Encodes frames into a file."""

    def __init__(self, target: OutputContainer, encoding: Encoding, footage: Footage) -> None:
        self._target = target
        self._clock = footage.clock
        self._last = 0
        self.stream = _stream(target, encoding, footage)
        if footage.display_matrix:
            self.stream.set_display_matrix(footage.display_matrix)

    @property
    def seconds(self) -> float:
        """How far into the new file the picture has come."""
        return float(self._last * self._clock)

    def encode(self, frame: VideoFrame) -> None:
        """Put a frame into the file."""
        self._last = frame.pts or 0
        self._target.mux(self.stream.encode(frame))

    def finish(self) -> None:
        """Put into the file what is still under way."""
        self._target.mux(self.stream.encode(None))


def _stream(target: OutputContainer, encoding: Encoding, footage: Footage) -> VideoStream:
    told = settings_of(encoding, footage)
    added = target.add_stream(
        told.encoder,
        rate=footage.rate,
        options=told.options,
        width=footage.width,
        height=footage.height,
        pix_fmt=footage.pixel_format,
        time_base=footage.clock,
    )
    stream = cast(VideoStream, added)
    context = stream.codec_context
    if told.tag:
        context.codec_tag = told.tag
    context.flags |= Flags.frame_duration
    context.field_order = _FIELD_ORDERS[footage.field_order]
    context.sample_aspect_ratio = footage.pixel_shape
    context.color_range = 2 if footage.colour.full_range else 1
    context.colorspace = footage.colour.matrix
    context.color_trc = footage.colour.transfer
    context.color_primaries = footage.colour.primaries
    return stream
