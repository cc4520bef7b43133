"""Decodes a video and brings its pictures to what is to be encoded."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from services.media.engine.colour import colour_volume, stored_colour
from services.media.engine.footage import Footage
from services.media.engine.plan import Filters
from services.media.engine.probe import VideoFacts
from services.media.engine.scaling import Scaler
from services.media.engine.shape import display_matrix, placed, scaled_pixel_shape

# Clocks finer than this upset players; the other is that of broadcast.
_FINEST_CLOCK = 1_000_000
_BROADCAST_CLOCK = Fraction(1, 90_000)


class Pipeline:
    """Makes frames to encode of the packets of a video.

    `first` is the stream's first frame, `origin` the time in the source, in
    seconds, that becomes 0.
    """

    def __init__(
        self,
        source: VideoStream,
        facts: VideoFacts,
        filters: Filters,
        first: VideoFrame,
        origin: Fraction,
    ) -> None:
        self._source = source
        self._facts = facts
        self._origin = origin
        self._unit = source.time_base or _BROADCAST_CLOCK
        self._clock = self._unit if self._unit.denominator <= _FINEST_CLOCK else _BROADCAST_CLOCK
        self._last = -1
        self._frames = 0
        colour = stored_colour(first)
        width, height = filters.width, filters.height
        self._scaler = Scaler(width, height, filters.pixel_format, colour)
        matrix = display_matrix(first)
        self.footage = Footage(
            width=width,
            height=height,
            pixel_format=filters.pixel_format,
            clock=self._clock,
            rate=facts.average_rate,
            constant_rate=False,
            # Lines of two fields cannot be told apart in chroma of an odd number of pairs.
            field_order=facts.field_order if height % 4 == 0 else None,
            pixel_shape=scaled_pixel_shape(
                source.sample_aspect_ratio, (facts.width, facts.height), (width, height)
            ),
            colour=colour,
            display_matrix=placed(matrix, width, height) if matrix else None,
            colour_volume=colour_volume(first),
        )
        source.thread_type = "AUTO"

    def frames(self, packets: "Iterable[Packet[VideoStream]]") -> Iterator[VideoFrame]:
        """The frames to encode, in the order and the times of showing them."""
        for packet in packets:
            try:
                decoded = packet.decode()
            except av.error.InvalidDataError:
                # The next frame that decodes is shown when it always was.
                continue
            yield from map(self._finished, decoded)
        try:
            rest = self._source.decode(None)
        except av.error.InvalidDataError:
            return
        yield from map(self._finished, rest)

    def _finished(self, frame: VideoFrame) -> VideoFrame:
        scaled = self._scaler.scale(frame)
        scaled.pts, scaled.duration = self._time(frame)
        scaled.time_base = self._clock
        # The encoder decides anew which frames refer to which.
        scaled.pict_type = PictureType.NONE
        self._frames += 1
        return scaled

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
