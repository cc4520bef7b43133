"""Gives a decoder the packets on the way to a frame, and spares it those that it needs not."""

from collections import deque
from collections.abc import Iterator

from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from services.media.engine.reading import packets_of

# Bytes of packets to look ahead: where the way is longer, all of it is decoded.
_MOST_AHEAD = 64 << 20


class Approach:
    """The packets of a video from where its file is being read.

    Frames that no other frame refers to are left out where only what follows is wanted. They are
    a half to three quarters of most videos.
    """

    def __init__(self, reader: InputContainer, stream: VideoStream) -> None:
        self._stream = stream
        self._unread = packets_of(reader, stream)
        self._ahead: deque[Packet[VideoStream]] = deque()
        # The first time, in ticks, from which on every frame is wanted.
        self._wanted: int | None = None
        # When the packet that was taken last is decoded, in ticks.
        self.last: int | None = None
        # Some decoders are told once and for all, while they start, what to leave out.
        stream.codec_context.open(strict=False)

    def head_for(self, time: int) -> None:
        """Want what is on screen at a time, in ticks, the frame before it, and all that follow."""
        shown, ahead = self._shown_by(time)
        # The frame before is for whom fields are to be made whole.
        self._wanted = sorted(shown)[-2] if ahead and len(shown) > 1 else None

    def _shown_by(self, time: int) -> tuple[list[int], bool]:
        """When frames ahead are shown that begin by a time, and whether these are all."""
        size = sum(packet.size for packet in self._ahead)
        while not (self._ahead and _is_decoded_after(self._ahead[-1], time)):
            packet = next(self._unread, None)
            if packet is None:
                break
            self._ahead.append(packet)
            size += packet.size
            if packet.pts is None or size > _MOST_AHEAD:
                return [], False
        times = [each.pts for each in self._ahead if each.pts is not None and each.pts <= time]
        return times, True

    def __iter__(self) -> "Iterator[Packet[VideoStream]]":
        while True:
            packet = self._ahead.popleft() if self._ahead else next(self._unread, None)
            if packet is None:
                return
            unwanted = self._wanted is not None and (packet.pts or 0) < self._wanted
            self._stream.codec_context.skip_frame = "NONREF" if unwanted else "DEFAULT"
            self.last = packet.dts
            yield packet


def _is_decoded_after(packet: "Packet[VideoStream]", time: int) -> bool:
    # No frame is decoded after it is shown: what follows is shown later, too.
    return packet.dts is not None and packet.dts > time
