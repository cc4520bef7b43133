"""In which pieces a film is taken: each is decoded forwards, the last one first."""

from bisect import bisect_left, bisect_right
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from services.media.engine.plan import Filters
from services.media.engine.probe import VideoFacts

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

# What the frames of a window may take until they are wanted: on disk, but for a few.
_WINDOW_BYTES = 1 << 30
_FEWEST = 16


class Survey:
    """When a film's frames are shown, and which stand alone; in ticks of its stream."""

    def __init__(self, stream: "VideoStream", facts: VideoFacts) -> None:
        self._unit = stream.time_base or Fraction(1, 90_000)
        self._usual = 1 / facts.average_rate
        self._times: list[int] = []
        self._keys: list[int] = []

    def take(self, packet: "Packet[VideoStream]") -> None:
        """Note the frame that a packet holds."""
        time = packet.pts
        if time is None:
            # Bare codec streams carry no times, only a rate.
            time = round(len(self._times) * self._usual / self._unit)
        self._times.append(time)
        if packet.is_keyframe:
            self._keys.append(time)

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self._times)

    def windows(
        self, origin: Fraction, frames: int, ahead: Fraction
    ) -> list[tuple[Fraction | None, Fraction | None]]:
        """From when to when each window goes, in seconds from `origin`, the last one first.

        Each has about as many frames as wanted, twice that at most. Decoding
        begins `ahead` seconds before a window: where there is a key frame in
        reach, the window begins so far after it. None: at the beginning or the end.
        """
        times, keys = sorted(self._times), sorted(self._keys)
        cuts: list[Fraction] = []
        for number in range(frames, len(times) - frames // 2, frames):
            place = number
            key = bisect_right(keys, times[number]) - 1
            if key >= 0:
                after = bisect_left(times, keys[key] + round(ahead / self._unit))
                place = after if abs(after - number) < frames // 2 else number
            cuts.append(times[place] * self._unit - origin)
        return list(pairwise([None, *cuts, None]))[::-1]


def frames_of_window(filters: Filters) -> int:
    """How many frames a window has, by what they are to be."""
    return max(_FEWEST, _WINDOW_BYTES // (filters.width * filters.height * 3 // 2))
