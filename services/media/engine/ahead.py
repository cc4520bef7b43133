"""Frames that are made while others are encoded, in a thread of its own.

FFmpeg lets go of the interpreter while it decodes, filters and encodes. One thread that did all of
it in turn would leave cores idle whenever the encoder waits for a frame.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from threading import Condition, Thread
from typing import Generic, TypeVar

Packet = TypeVar("Packet")
Frame = TypeVar("Frame")

# Enough that neither side waits for the other's slow moments; a frame of 2160p takes 25 MB.
_PACKETS = 8
_FRAMES = 4


def made_ahead(
    make: Callable[[Iterable[Packet]], Iterator[Frame]], packets: Iterator[Packet]
) -> Iterator[Frame]:
    """Yield what `make` makes of packets.

    It runs in another thread; `packets` are asked for in the caller's, and some more of them than
    the frames so far need. What either raises is raised here.
    """
    line = _Line[Packet, Frame]()
    maker = Thread(target=line.run, args=(make,), daemon=True)
    maker.start()
    try:
        while (frame := line.next_frame(packets)) is not None:
            yield frame
    finally:
        line.close()
        maker.join()


class _Closed(Exception):
    """Nobody wants any more frames."""


class _Line(Generic[Packet, Frame]):
    def __init__(self) -> None:
        self._moved = Condition()
        self._packets: deque[Packet] = deque()
        self._frames: deque[Frame] = deque()
        self._fed = self._made = self._closed = False
        self._error: BaseException | None = None

    def run(self, make: Callable[[Iterable[Packet]], Iterator[Frame]]) -> None:
        """Make all frames, in the maker's thread."""
        try:
            for frame in make(self._taken()):
                self._offer(frame)
        except _Closed:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again where the frames are wanted
            self._error = error
        with self._moved:
            self._made = True
            self._moved.notify_all()

    def next_frame(self, packets: Iterator[Packet]) -> Frame | None:
        """Return the next frame, None after the last, feeding the maker meanwhile."""
        while True:
            with self._moved:
                self._moved.wait_for(lambda: self._frames or self._made or self._hungry())
                hungry = self._hungry()
                if not hungry and self._frames:
                    self._moved.notify_all()
                    return self._frames.popleft()
                if self._made and not self._frames:
                    if self._error is not None:
                        raise self._error
                    return None
            self._feed(packets)

    def close(self) -> None:
        """End the maker's work, wherever it is."""
        with self._moved:
            self._closed = True
            self._moved.notify_all()

    def _hungry(self) -> bool:
        return len(self._packets) < _PACKETS and not (self._fed or self._made)

    def _feed(self, packets: Iterator[Packet]) -> None:
        packet = next(packets, None)
        with self._moved:
            if packet is None:
                self._fed = True
            else:
                self._packets.append(packet)
            self._moved.notify_all()

    def _taken(self) -> Iterator[Packet]:
        while True:
            with self._moved:
                self._moved.wait_for(lambda: self._packets or self._fed or self._closed)
                if self._closed:
                    raise _Closed
                if not self._packets:
                    return
                packet = self._packets.popleft()
                self._moved.notify_all()
            yield packet

    def _offer(self, frame: Frame) -> None:
        with self._moved:
            self._moved.wait_for(lambda: len(self._frames) < _FRAMES or self._closed)
            if self._closed:
                raise _Closed
            self._frames.append(frame)
            self._moved.notify_all()
