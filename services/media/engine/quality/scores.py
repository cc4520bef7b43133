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


# Standard deviation of the noise, of 255.
NOISE = Curve((0.0, 2.0, 5.0, 10.0, 20.0, 40.0), (5.0, 4.5, 4.0, 3.0, 2.0, 0.0))
DETAILS = Curve((0.0, 1.0, 2.0, 3.0, 4.0), (0.0, 1.0, 2.5, 4.0, 5.0))
COLOURS = Curve((0.0, 10.0, 20.0, 40.0, 80.0), (0.0, 1.5, 3.0, 4.0, 5.0))


def label(score: float) -> str:
    """The word for a score: untenable below 1, poor below 2, fair, good, excellent from 4 on."""
    return _LABELS[min(int(score), len(_LABELS) - 1)]
