"""Carries the picture of a video into a new file, as H.264."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction

import av
from av.codec.context import Flags
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from services.media.engine.colour import stored_colour
from services.media.engine.failure import BadMedia
from services.media.engine.probe import VideoFacts
from services.media.engine.scaling import Scaler, nearest_format
from services.media.engine.shape import display_matrix, placed, scaled_pixel_shape

# Grey is missing: as H.264 it comes out as yuv420p from most decoders.
PIXEL_FORMATS = (
    "yuv420p",
    "yuv422p",
    "yuv444p",
    "yuv420p10le",
    "yuv422p10le",
    "yuv444p10le",
)
# Clocks finer than this upset players; the other is that of broadcast.
_FINEST_CLOCK = 1_000_000
_BROADCAST_CLOCK = Fraction(1, 90_000)
# Frames that the encoder may look ahead, as far as this many bytes hold them.
_LOOKAHEAD = 40
_LOOKAHEAD_BYTES = 1 << 30


@dataclass(frozen=True)
class Encoding:
    """The picture to make. Sizes are of stored pixels and even."""

    width: int
    height: int
    # Bits per second.
    bitrate: int
    # FFmpeg's name; one that H.264 lacks becomes the nearest that it has.
    pixel_format: str


class Picture:
    """The stream of pictures of the new file, fed with packets of the old one.

    Frames keep their times, less `origin` (seconds), and are as many as before.
    """

    def __init__(
        self,
        target: OutputContainer,
        source: VideoStream,
        facts: VideoFacts,
        encoding: Encoding,
        first: VideoFrame,
        origin: Fraction,
    ) -> None:
        self._target = target
        self._source = source
        self._facts = facts
        self._origin = origin
        self._unit = source.time_base or _BROADCAST_CLOCK
        self._clock = self._unit if self._unit.denominator <= _FINEST_CLOCK else _BROADCAST_CLOCK
        self._last = -1
        self._frames = 0
        pixel_format = nearest_format(encoding.pixel_format, PIXEL_FORMATS)
        colour = stored_colour(first)
        self._scaler = Scaler(encoding.width, encoding.height, pixel_format, colour)
        self._output = self._encoder(encoding, pixel_format)
        context = self._output.codec_context
        context.color_range = 2 if colour.full_range else 1
        context.colorspace = colour.matrix
        context.color_trc = colour.transfer
        context.color_primaries = colour.primaries
        matrix = display_matrix(first)
        if matrix:
            self._output.set_display_matrix(placed(matrix, encoding.width, encoding.height))
        source.thread_type = "AUTO"

    @property
    def seconds(self) -> float:
        """How far into the new file the picture has come."""
        return float(max(self._last, 0) * self._clock)

    def take(self, packet: "Packet[VideoStream]") -> None:
        """Put into the file the frames that a packet holds."""
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            # The next frame that decodes is shown when it always was.
            return
        self._encode(frames)

    def finish(self) -> None:
        """Put into the file what is still under way. Raises BadMedia when there was nothing."""
        with suppress(av.error.InvalidDataError):
            self._encode(self._source.decode(None))
        if not self._frames:
            raise BadMedia("None of the video's frames can be decoded.")
        self._target.mux(self._output.encode(None))

    def _encoder(self, encoding: Encoding, pixel_format: str) -> VideoStream:
        frame_bytes = encoding.width * encoding.height * 3 * (2 if "10" in pixel_format else 1)
        lookahead = max(10, min(_LOOKAHEAD, _LOOKAHEAD_BYTES // frame_bytes))
        options = {"preset": "fast", "rc-lookahead": str(lookahead)}
        # Lines of two fields cannot be told apart in chroma of an odd number of pairs.
        interlaced = self._facts.scanning == "interlaced" and encoding.height % 4 == 0
        if interlaced:
            options["x264-params"] = (
                "bff=1" if self._facts.field_order == "bottom_first" else "tff=1"
            )
        output = self._target.add_stream(
            "libx264",
            rate=self._facts.average_rate,
            options=options,
            width=encoding.width,
            height=encoding.height,
            pix_fmt=pixel_format,
            bit_rate=encoding.bitrate,
            bit_rate_tolerance=encoding.bitrate,
            time_base=self._clock,
        )
        context = output.codec_context
        context.sample_aspect_ratio = scaled_pixel_shape(
            self._source.sample_aspect_ratio,
            (self._facts.width, self._facts.height),
            (encoding.width, encoding.height),
        )
        context.flags |= Flags.frame_duration
        if interlaced:
            context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        return output

    def _encode(self, frames: Iterable[VideoFrame]) -> None:
        for frame in frames:
            scaled = self._scaler.scale(frame)
            scaled.pts, scaled.duration = self._time(frame)
            scaled.time_base = self._clock
            # The encoder decides anew which frames refer to which.
            scaled.pict_type = PictureType.NONE
            self._target.mux(self._output.encode(scaled))
            self._frames += 1

    def _time(self, frame: VideoFrame) -> tuple[int, int]:
        """When to show a frame and for how long, by the new clock."""
        usual = 1 / self._facts.average_rate
        # Bare codec streams carry no times, only a rate.
        start = self._frames * usual
        if frame.pts is not None:
            start = frame.pts * self._unit - self._origin
        # Some files repeat a time; a file's times may only go up.
        self._last = max(round(start / self._clock), self._last + 1)
        lasts = frame.duration * self._unit
        if "mov" not in self._facts.container_name:
            lasts = max(lasts, usual)
        return self._last, max(1, round(lasts / self._clock))
