"""The stream of pictures of a new file."""

from av.container import OutputContainer
from av.video.frame import VideoFrame

from services.media.engine.encoders import encoder
from services.media.engine.footage import Footage
from services.media.engine.plan import Encoding


class Picture:
    """Encodes frames into a file."""

    def __init__(self, target: OutputContainer, encoding: Encoding, footage: Footage) -> None:
        self._target = target
        self._clock = footage.clock
        self._last = 0
        self._output = encoder(target, encoding, footage)
        context = self._output.codec_context
        colour = footage.colour
        context.sample_aspect_ratio = footage.pixel_shape
        context.color_range = 2 if colour.full_range else 1
        context.colorspace = colour.matrix
        context.color_trc = colour.transfer
        context.color_primaries = colour.primaries
        if footage.display_matrix:
            self._output.set_display_matrix(footage.display_matrix)

    @property
    def seconds(self) -> float:
        """How far into the new file the picture has come."""
        return float(self._last * self._clock)

    def encode(self, frame: VideoFrame) -> None:
        """Put a frame into the file."""
        self._last = frame.pts or 0
        self._target.mux(self._output.encode(frame))

    def finish(self) -> None:
        """Put into the file what is still under way."""
        self._target.mux(self._output.encode(None))
