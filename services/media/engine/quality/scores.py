"""From measures to what people would say: the curves' anchors are from `bench.quality`."""

from dataclasses import dataclass

import numpy as np

_LABELS = ("untenable", "poor", "fair", "good", "excellent")


@dataclass(frozen=True)
class Curve:
    """A monotone curve through anchors, straight between them, level beyond them."""

    # Of the measure, rising.
    measures: tuple[float, ...]
    # At each of them, 0 to 5.
    scores: tuple[float, ...]

    def score(self, measure: float) -> float:
        """The subjective score, 0 to 5, of a measure."""
        return float(np.interp(measure, self.measures, self.scores))


# Standard deviation of the noise, of 255. The grades of ITU-R BT.500: 5 is
# imperceptible, 4 perceptible but not annoying, 3 slightly annoying, 2 annoying.
NOISE = Curve((0.0, 2.0, 5.0, 10.0, 20.0, 40.0), (5.0, 4.5, 4.0, 3.0, 2.0, 0.0))
# FISH, against a twentieth of VMAF of blurred and of compressed clips.
DETAILS = Curve(
    (0.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 20.0),
    (0.0, 0.4, 1.3, 2.4, 3.2, 3.8, 4.5, 4.8, 5.0),
)
# M3, at what people call not, slightly, moderately, averagely, quite, highly
# and extremely colourful (Hasler and Suesstrunk, table 2).
COLOURS = Curve((0.0, 15.0, 33.0, 45.0, 59.0, 82.0, 109.0), (0.0, 2.0, 3.0, 3.5, 4.0, 4.5, 5.0))


def label(score: float) -> str:
    """The word for a score: untenable below 1, poor below 2, fair, good, excellent from 4 on."""
    return _LABELS[min(int(score), len(_LABELS) - 1)]
