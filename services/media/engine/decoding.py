"""Makes frames of packets, in the order and at the times of showing them."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from fractions import Fraction

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from services.media.engine.filters.times import moved
from services.media.engine.probe import VideoFacts

_BROADCAST_CLOCK = Fraction(1, 90_000)


def decoded(
    stream: VideoStream, packets: "Iterable[Packet[VideoStream]]", facts: VideoFacts
) -> Iterator[VideoFrame]:
    """The frames of a video's packets, from the first on that needs no other.

    Frames keep their times to the tick, and their durations; what a file does
    not tell follows from its rate. Damaged stretches are left out: what can be
    decoded is shown when it always was.
    """
    unit = stream.time_base or _BROADCAST_CLOCK
    usual = 1 / facts.average_rate
    durations_are_told = "mov" in facts.container_name
    last: int | None = None
    for number, frame in enumerate(_decoded(stream, packets)):
        # Bare codec streams carry no times, only a rate.
        time = round(number * usual / unit) if frame.pts is None else frame.pts
        # Some files repeat a time; a file's times may only go up.
        last = time if last is None else max(time, last + 1)
        lasts = frame.duration * unit
        yield moved(frame, last * unit, lasts if durations_are_told else max(lasts, usual), unit)


def _decoded(stream: VideoStream, packets: "Iterable[Packet[VideoStream]]") -> Iterator[VideoFrame]:
    stream.thread_type = "AUTO"
    for packet in packets:
        with suppress(av.error.InvalidDataError):
            yield from packet.decode()
    with suppress(av.error.InvalidDataError):
        yield from stream.decode(None)
