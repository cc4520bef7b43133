"""Makes frames of packets, in the order and at the times of showing them."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from services.media.engine.probe import VideoFacts, is_end_told
from services.media.engine.reading import frames_of

_BROADCAST_CLOCK = Fraction(1, 90_000)


def decoded(
    stream: VideoStream, packets: "Iterable[Packet[VideoStream]]", facts: VideoFacts
) -> Iterator[VideoFrame]:
    """The frames of a video's packets, each shown until the next one.

    Frames keep their times to the tick; what a file does not tell follows from
    its rate. Damaged stretches are left out: what can be decoded is shown when
    it always was.
    """
    unit = stream.time_base or _BROADCAST_CLOCK
    usual = 1 / facts.average_rate
    last: VideoFrame | None = None
    stream.thread_type = "AUTO"
    for number, frame in enumerate(frames_of(stream, packets)):
        # Bare codec streams carry no times, only a rate.
        time = round(number * usual / unit) if frame.pts is None else frame.pts
        if last is not None:
            # Some files repeat a time; a file's times may only go up.
            time = max(time, _start(last) + 1)
            last.duration = time - _start(last)
            yield last
        frame.pts, frame.time_base = time, unit
        last = frame
    if last is not None:
        told = last.duration * unit
        lasts = told if is_end_told(facts.container_name) else max(told, usual)
        last.duration = max(1, round(lasts / unit))
        yield last


def _start(frame: VideoFrame) -> int:
    return frame.pts or 0
