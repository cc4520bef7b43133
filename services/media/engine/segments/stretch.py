"""Makes one stretch of a new video: its coded pictures, as the whole would have them."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from av.video.frame import PictureType, VideoFrame

from services.media.engine.containers import CONTAINERS, create
from services.media.engine.failure import BadMedia
from services.media.engine.film import lead_seconds, part_of
from services.media.engine.picture import Picture
from services.media.engine.pipeline import Pipeline
from services.media.engine.plan import Encoding, Filters
from services.media.engine.probe import VideoFacts
from services.media.engine.reading import open_video, packets_of, video_stream
from services.media.engine.segments.cuts import Stretch
from services.media.engine.segments.work import OPEN, outlook, run_in, settling
from services.media.engine.shelf import Coded, Shelf

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

Progress = Callable[[float], None]


def make_stretch(
    source: Path,
    destination: Path,
    facts: VideoFacts,
    filters: Filters,
    encoding: Encoding,
    stretch: Stretch,
    progress: Progress,
) -> None:
    """Put the coded pictures of a stretch onto a shelf, which is written to `destination`.

    It has none where no frame can be decoded, or where one stays on screen all the
    time. `progress` takes 0 to 100. Raises BadMedia.
    """
    part = part_of(source, facts, filters, encoding)
    begin = part.origin + stretch.first - run_in(facts, filters, encoding)
    if begin > part.start:
        part = part.resumed(source, begin, lead_seconds(facts, filters))
    end = stretch.end or (filters.end or facts.duration) - filters.start
    container = CONTAINERS[encoding.container]
    # Never begun, hence never written: it tells the encoder what such files want.
    unwritten = destination.with_name(f"unwritten.{encoding.container}")
    with (
        open_video(source) as reader,
        create(unwritten, container, encoding.codec) as writer,
        Shelf(destination) as shelf,
    ):
        stream = video_stream(reader)
        part.enter(reader)
        pipeline = Pipeline(stream, facts, filters, part)
        shelving = _Shelving(shelf, pipeline.footage.clock, stretch)
        picture = Picture(writer, encoding, pipeline.footage, shelving.put)
        frames = pipeline.frames(packets_of(reader, stream))
        for frame in _framed(frames, pipeline.footage.clock, stretch, encoding):
            picture.encode(frame)
            done = (picture.seconds - float(stretch.first)) / max(0.001, float(end - stretch.first))
            progress(min(max(done, 0.0), 1.0) * 100)
        picture.finish()
        shelf.label(pipeline.footage.clock, shelving.delay(), picture.headers)
    progress(100.0)


def _framed(
    frames: Iterator[VideoFrame], clock: Fraction, stretch: Stretch, encoding: Encoding
) -> Iterator[VideoFrame]:
    """The frames to encode: those of a stretch, and some before and after it.

    The encoder begins anew with the stretch, and with what follows it.
    """
    begin, end = stretch.first - settling(encoding), stretch.end
    bounds = [stretch.first] if end is None else [stretch.first, end]
    before: VideoFrame | None = None
    for frame in _decodable(frames):
        time = (frame.pts or 0) * clock
        if end is not None and time >= end + outlook(encoding):
            break
        if bounds and time >= bounds[0]:
            bounds = [bound for bound in bounds if bound > time]
            if before is not None:
                frame.pict_type = PictureType.I
                if encoding.codec in OPEN:
                    # Nothing that comes before may wait for what comes now.
                    before.pict_type = PictureType.P
        if before is not None:
            yield before
        before = frame if time >= begin else None
    if before is not None:
        yield before


def _decodable(frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
    try:
        yield from frames
    except BadMedia:
        # Whether there is none at all only those who have all stretches know.
        return


class _Shelving:
    """Puts what belongs to a stretch onto its shelf; what leads up to it and on is dropped."""

    def __init__(self, shelf: Shelf, clock: Fraction, stretch: Stretch) -> None:
        self._shelf = shelf
        self._clock = clock
        self._stretch = stretch
        self._shown: list[Fraction] = []
        self._decoded: Fraction | None = None

    def put(self, packet: "Packet[VideoStream]") -> None:
        unit = packet.time_base
        shown = (packet.pts or 0) * unit
        self._shown.append(shown)
        self._decoded = None if packet.dts is None else packet.dts * unit
        end = self._stretch.end
        if shown >= self._stretch.first and (end is None or shown < end):
            self._shelf.add(
                Coded(
                    round(shown / self._clock),
                    round((packet.duration or 0) * unit / self._clock),
                    packet.is_keyframe,
                    bytes(packet),
                )
            )

    def delay(self) -> int:
        """By how many pictures decoding is ahead of showing, as the last picture tells."""
        if self._decoded not in self._shown:
            return 0
        return len(self._shown) - 1 - sorted(self._shown).index(self._decoded)
