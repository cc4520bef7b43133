"""Decodes a video and brings its pictures to what is to be encoded."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import dropwhile

from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from services.media.engine.clocks import clock_of_grid, clock_of_source
from services.media.engine.colour import colour_volume, stored_colour
from services.media.engine.decoding import decoded
from services.media.engine.failure import BadMedia
from services.media.engine.filters import deinterlace, framerate, hqdn3d
from services.media.engine.filters.interlace import interlaced, reordered
from services.media.engine.filters.scaling import nearest_format, scaled
from services.media.engine.filters.screen import BT709, on_screen
from services.media.engine.filters.times import around, end_of, moved, since, start_of, until
from services.media.engine.footage import Footage
from services.media.engine.opening import Opening
from services.media.engine.pixels import describe
from services.media.engine.plan import Filters
from services.media.engine.probe import VideoFacts
from services.media.engine.shape import display_matrix, placed, scaled_pixel_shape

# Frames after which hqdn3d has found its picture.
_WARM_UP = 12


def lead(filters: Filters) -> int:
    """How many frames before the wanted part the filters look at."""
    return (
        deinterlace.NEIGHBOURS * bool(filters.deinterlacer)
        + _WARM_UP * bool(filters.denoiser)
        + framerate.LEAD.get(filters.frame_rate_converter, 0)
    )


class Pipeline:
    """Makes frames to encode of the packets of a video."""

    def __init__(
        self, source: VideoStream, facts: VideoFacts, filters: Filters, opening: Opening
    ) -> None:
        self._source = source
        self._facts = facts
        self._filters = filters
        self._opening = opening
        self._colour = stored_colour(opening.first)
        # How long a frame is shown once it is deinterlaced, in seconds.
        doubles = deinterlace.doubles_rate(filters.deinterlacer)
        self._usual = 1 / facts.average_rate / (2 if doubles else 1)
        # The fields of what is to be scaled, and of what is made.
        self._fields = "" if filters.deinterlacer else filters.source_field_order
        self._target_fields = filters.target_field_order if _divides(filters) else ""
        self.footage = self._footage()

    def _footage(self) -> Footage:
        facts, filters, first = self._facts, self._filters, self._opening.first
        size = filters.width, filters.height
        matrix = None if filters.screen else display_matrix(first)
        rate = filters.frame_rate if filters.frame_rate_converter else None
        pairs = 2 if self._target_fields and not self._fields else 1
        clock = clock_of_source(self._source.time_base)
        if deinterlace.doubles_rate(filters.deinterlacer):
            clock = clock_of_source(clock / 2)
        if rate:
            clock = clock_of_grid(pairs / rate, self._opening.start - self._opening.origin)
        return Footage(
            width=filters.width,
            height=filters.height,
            pixel_format=filters.pixel_format,
            clock=clock,
            rate=(rate or 1 / self._usual) / pairs,
            constant_rate=rate is not None,
            field_order=self._target_fields or None,
            pixel_shape=Fraction(1)
            if filters.screen
            else scaled_pixel_shape(
                self._source.sample_aspect_ratio, (facts.width, facts.height), size
            ),
            colour=BT709 if filters.screen else self._colour,
            display_matrix=placed(matrix, *size) if matrix else None,
            colour_volume=None if filters.screen else colour_volume(first),
        )

    def frames(self, packets: "Iterable[Packet[VideoStream]]") -> Iterator[VideoFrame]:
        """The frames to encode, in the order and the times of showing them.

        Raises BadMedia where there is none.
        """
        opening, filters = self._opening, self._filters
        frames = self._restored(self._decoded(packets))
        # Without a place to begin at, the beginning is to be shown as it is.
        if opening.resume is None and filters.start:
            lead_in = framerate.LEAD.get(filters.frame_rate_converter, 0)
            frames = since(frames, opening.start, lead_in)
        frames = self._sized(frames)
        offset = -opening.origin
        if filters.frame_rate_converter and filters.frame_rate:
            bounds = opening.start, opening.end
            if opening.resume is not None:
                frames = framerate.from_grid(
                    frames, filters.frame_rate_converter, filters.frame_rate, opening.start
                )
            frames = framerate.converted(
                frames,
                filters.frame_rate_converter,
                filters.frame_rate,
                bounds,
                self._usual,
                self.footage.colour.matrix,
            )
            offset += opening.start
        elif opening.end is not None:
            frames = until(frames, opening.end)
        return self._timed(self._interlaced(frames), offset)

    def _decoded(self, packets: "Iterable[Packet[VideoStream]]") -> Iterator[VideoFrame]:
        opening = self._opening
        frames = decoded(self._source, packets, self._facts)
        if opening.entry is not None:
            # What needs earlier frames than those that were read is broken.
            frames = dropwhile(lambda frame: not frame.key_frame, frames)
        tail = deinterlace.NEIGHBOURS + framerate.TAIL
        start = opening.start if opening.resume is None else opening.resume
        is_late = opening.resume is not None or self._filters.start
        before = lead(self._filters) + 1 if is_late else None
        return around(frames, start, before, opening.end, tail)

    def _sized(self, frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
        filters = self._filters
        size = filters.width, filters.height
        if filters.screen:
            matrix = display_matrix(self._opening.first)
            shape = self._source.sample_aspect_ratio or Fraction(1)
            filled = shape if filters.fill else None
            return on_screen(frames, size, filters.pixel_format, self._colour, matrix, filled)
        return scaled(frames, size, filters.pixel_format, self._colour, self._fields)

    def _restored(self, frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
        """Whole pictures, without noise, in their own size."""
        filters, facts, colour = self._filters, self._facts, self._colour
        if filters.deinterlacer:
            frames = deinterlace.deinterlaced(
                frames,
                filters.deinterlacer,
                filters.source_field_order,
                1 / facts.average_rate,
                colour.matrix,
            )
        if filters.denoiser:
            fitting = nearest_format(facts.pixels.name, hqdn3d.FORMATS)
            size = facts.width, facts.height
            frames = hqdn3d.denoised(scaled(frames, size, fitting, colour, self._fields))
        return frames

    def _interlaced(self, frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
        order, matrix = self._target_fields, self.footage.colour.matrix
        if not order or order == self._fields:
            return frames
        if self._fields:
            return reordered(frames, order, matrix)
        if self._opening.resume is not None:
            # Frames of a grid are numbered: the even ones begin a pair.
            frames = dropwhile(lambda frame: (frame.pts or 0) % 2, frames)
        return interlaced(frames, order, matrix)

    def _timed(self, frames: Iterator[VideoFrame], offset: Fraction) -> Iterator[VideoFrame]:
        """Frames by the new file's clock."""
        last, clock = -1, self.footage.clock
        for frame in frames:
            duration = end_of(frame) - start_of(frame)
            moved(frame, start_of(frame) + offset, duration, clock)
            # A coarser clock may make two times one.
            last = frame.pts = max(frame.pts or 0, last + 1)
            # The encoder decides anew which frames refer to which.
            frame.pict_type = PictureType.NONE
            yield frame
        if last < 0:
            raise BadMedia("None of the frames to convert can be decoded.")


def _divides(filters: Filters) -> bool:
    """Whether the new picture's lines, of colour too, come in pairs of fields."""
    subsampled = describe(filters.pixel_format).subsampling in ("4:2:0", "4:4:0", "4:1:0")
    return filters.height % (4 if subsampled else 2) == 0
