"""Adds up what the packets of a video tell."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from services.media.engine.failure import BadMedia
from services.media.engine.kinds import ENCRYPTED
from services.media.engine.reading import packets_of

Progress = Callable[[float], None]

# Codecs with frames that are only for others to refer to.
_HIDING = ("vp8", "vp9")


@dataclass
class Tally:
    """What the packets of one stream add up to; times in the stream's units.

    Packets that last less than `field_below` hold a field. In what is whole they come in pairs.
    """

    field_below: int = 0
    packets: int = 0
    shown: int = 0
    bytes: int = 0
    first: int | None = None
    # The last packet to be shown, and for how long.
    last: int = 0
    last_duration: int = 0
    longest: int = 0
    durations: int = 0
    fields: int = 0
    # Whether all fields so far had, or have not yet, another beside them.
    paired: bool = True

    def add(self, packet: "Packet[VideoStream]", codec: str) -> None:
        self.packets += 1
        self.bytes += packet.size
        # Edit lists cut frames from the show; VPx hides reference frames.
        if packet.is_discard or (codec in _HIDING and _is_hidden(packet, codec)):
            return
        self.shown += 1
        duration = packet.duration or 0
        self.durations += duration
        if duration > self.longest:
            self.longest = duration
        if 0 < duration < self.field_below:
            self.fields += 1
        elif self.fields % 2:
            self.paired = False
        pts = packet.pts
        if pts is None:
            return
        if self.first is None or pts < self.first:
            self.first = pts
        if pts >= self.last:
            self.last, self.last_duration = pts, duration


def walked(container: InputContainer, stream: VideoStream, size: int, progress: Progress) -> Tally:
    """What all packets add up to; `size` is that of the file, `progress` takes 0 to 100.

    Raises BadMedia when they are encrypted.
    """
    tally = Tally(field_below(stream))
    codec = stream.codec_context.codec.canonical_name
    # What was read up to some damage is what the file holds.
    for packet in packets_of(container, stream):
        if not tally.packets:
            check_readable(packet)
        tally.add(packet, codec)
        if packet.pos is not None and tally.packets % 64 == 0:
            progress(min(100.0, 100.0 * packet.pos / size))
    return tally


def check_readable(packet: "Packet[VideoStream]") -> None:
    """Raise BadMedia when a packet is encrypted."""
    if packet.has_sidedata("encryption_info"):
        raise BadMedia(ENCRYPTED)


def _is_hidden(packet: "Packet[VideoStream]", codec: str) -> bool:
    """Whether a VP8 or VP9 packet is only for later frames to refer to."""
    first = memoryview(packet)[0]
    if codec == "vp8":
        return not first >> 4 & 1
    profile_3 = first >> 4 & 3 == 3
    show_existing, show_frame = (2, 0) if profile_3 else (3, 1)
    return not first >> show_existing & 1 and not first >> show_frame & 1


def field_below(stream: VideoStream) -> int:
    """How long a packet lasts that holds more than a field, as in interlaced broadcasts."""
    rate = stream.guessed_rate
    if stream.codec_context.field_order < 2 or not rate or stream.time_base is None:
        return 0
    return ceil(Fraction(3, 4) / (stream.time_base * rate))
