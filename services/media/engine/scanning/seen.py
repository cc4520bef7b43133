"""How a video is scanned by what its pictures show, whatever the file says."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from av.video.frame import VideoFrame

from services.media.engine.filters.native import Step, filtered
from services.media.engine.glimpses import stretch
from services.media.engine.probe import Progress, VideoFacts
from services.media.engine.scanning.cadence import is_telecined
from services.media.engine.scanning.combing import is_combed
from services.media.engine.scanning.told import PROGRESSIVE, UNKNOWN, Scanning

# Seconds of each stretch: at the start, in the middle and at the end.
_LENGTH = Fraction(60)
# It compares the fields of a frame with each other and with those beside, and
# writes into each frame what it takes it for.
_DETECTOR: Step = ("idet", {})
_KIND = "lavfi.idet.multiple.current_frame"
_REPEATED = "lavfi.idet.repeated.current_frame"
_ORDERS = {"tff": "top_first", "bff": "bottom_first"}
# How many frames must show enough movement to tell, and which part of all.
_LEAST_FRAMES = 10
_LEAST_SHARE = 0.05
# Which part of these must be fields, and which part of those in the same order.
_FIELDS = 0.3
_AGREED = 0.8
# It takes some of what moves up and down for fields. The part of them whose teeth
# are to be seen, unless the cadence of film is.
_COMBED = 0.15
# Every so manieth frame is looked at for teeth.
_LOOKED_AT = 3


@dataclass(frozen=True)
class Seen:
    """What the pictures show."""

    scanning: Scanning
    # Whether fields repeat as where 24 pictures a second became 60 fields.
    telecined: bool = False


@dataclass
class _Tally:
    """What was seen, frame by frame."""

    # By FFmpeg's words.
    kinds: Counter[str] = field(default_factory=Counter)
    # Frames taken for fields that were looked at for teeth, and those that had some.
    looked_at: int = 0
    combed: int = 0

    def add(self, frame: VideoFrame) -> None:
        kind = str(frame.metadata.get(_KIND))
        self.kinds[kind] += 1
        if kind in _ORDERS and self.kinds.total() % _LOOKED_AT == 0:
            self.looked_at += 1
            self.combed += is_combed(frame)

    def verdict(self, *, telecined: bool) -> Scanning:
        fields = sum(self.kinds[order] for order in _ORDERS)
        told = fields + self.kinds["progressive"]
        if told < max(_LEAST_FRAMES, _LEAST_SHARE * self.kinds.total()):
            return UNKNOWN
        combed = telecined or self.combed >= _COMBED * self.looked_at
        if fields < _FIELDS * told or not combed:
            return PROGRESSIVE
        order = max(_ORDERS, key=lambda each: self.kinds[each])
        if self.kinds[order] < _AGREED * fields:
            return UNKNOWN
        return Scanning("interlaced", _ORDERS[order])


def seen_scanning(path: Path, facts: VideoFacts, progress: Progress) -> Seen:
    """Look at up to three one-minute stretches of a video; `progress` takes 0 to 100.

    Too short or too still a video is `unknown`, as is one that contradicts itself.
    """
    tally = _Tally()
    telecined = False
    for number, (start, seconds) in enumerate(parts := _stretches(facts.duration)):
        expected = float(seconds * facts.average_rate)
        repeats = []
        for done, frame in enumerate(_judged(stretch(path, facts, start, seconds)), 1):
            tally.add(frame)
            repeats.append(str(frame.metadata.get(_REPEATED)))
            progress(100 * (number + min(1.0, done / expected)) / len(parts))
        telecined = telecined or is_telecined(repeats)
    progress(100.0)
    scanning = tally.verdict(telecined=telecined)
    return Seen(scanning, scanning.kind == "interlaced" and telecined)


def _stretches(duration: Fraction) -> list[tuple[Fraction, Fraction]]:
    """Where to look: starts and lengths in seconds; all of what is no longer."""
    if duration <= 3 * _LENGTH:
        return [(Fraction(0), duration)]
    last = duration - _LENGTH
    return [(start, _LENGTH) for start in (Fraction(0), last / 2, last)]


def _judged(frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
    # It compares numbers, whatever colours they stand for.
    return filtered(frames, lambda _: [_DETECTOR], matrix=1)
