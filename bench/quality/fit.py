"""Fits the curve of a measure to what another judge says."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from services.media.engine.quality.scores import Curve


class Pair(NamedTuple):
    """A measure of a clip, and the score that another judge gives it, 0 to 5."""

    measure: float
    score: float


def fitted(pairs: Sequence[Pair], curve: Curve) -> list[float]:
    """The scores at a curve's anchors that fit best by least squares; not always monotone."""
    size = len(curve.measures)
    measures, scores = zip(*pairs, strict=True)
    shares = [np.interp(measures, curve.measures, row) for row in np.eye(size)]
    found, *_ = np.linalg.lstsq(np.stack(shares, axis=1), np.asarray(scores), rcond=None)
    return [float(each) for each in found]


def error(pairs: Sequence[Pair], curve: Curve) -> tuple[float, float]:
    """Root mean square and mean of how far a curve's scores lie above the other judge's."""
    wrong = np.array([curve.score(each.measure) - each.score for each in pairs])
    return float(np.sqrt(np.mean(wrong**2))), float(np.mean(wrong))
