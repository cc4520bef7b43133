"""Judges a video by a few of its frames."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.media.engine.probe import Progress, VideoFacts
from services.media.engine.quality.colours import colourfulness
from services.media.engine.quality.details import sharpness
from services.media.engine.quality.framing import content
from services.media.engine.quality.noise import noise_level
from services.media.engine.quality.picture import Picture, picture
from services.media.engine.quality.sampling import FRAMES, sampled
from services.media.engine.quality.scores import COLOURS, DETAILS, NOISE, Curve, label


@dataclass(frozen=True)
class Metric:
    """One measure of a video and how people would call it."""

    # noise, details or colors
    name: str
    # The mean over the sampled frames, in the measure's own unit.
    sample_mean: float
    # From 0, the worst, to 5.
    subjective_score: float
    # untenable, poor, fair, good or excellent
    subjective_label: str


@dataclass(frozen=True)
class Assessment:
    """What a video is like to look at."""

    metrics: tuple[Metric, ...]

    @property
    def overall_subjective_score(self) -> float:
        """The plain mean of the metrics' scores, 0 to 5."""
        return sum(each.subjective_score for each in self.metrics) / len(self.metrics)


def assess(path: Path, facts: VideoFacts, progress: Progress) -> Assessment | None:
    """Judge a video that was probed; `progress` takes 0 to 100.

    Frames are halved into fields where `facts.scanning` is interlaced; who
    knows better than the file's header passes facts that say so. None: no
    sampled frame shows a picture, as all are black, blank or damaged.
    """
    pictures = []
    for number, frame in enumerate(sampled(path, facts)):
        pictures.append(picture(frame, field=facts.scanning == "interlaced"))
        progress(min(50.0, 50.0 * (number + 1) / FRAMES))
    shown = content(pictures)
    measures = []
    for number, each in enumerate(shown):
        measures.append(_measured(each))
        progress(50.0 + 50.0 * (number + 1) / len(shown))
    progress(100.0)
    if not measures:
        return None
    means = np.mean(measures, axis=0)
    curves = (("noise", NOISE), ("details", DETAILS), ("colors", COLOURS))
    return Assessment(
        tuple(
            _metric(name, float(mean), curve)
            for (name, curve), mean in zip(curves, means, strict=True)
        )
    )


def _measured(shown: Picture) -> tuple[float, float, float]:
    noise = noise_level(shown)
    return noise, sharpness(shown, noise), colourfulness(shown)


def _metric(name: str, mean: float, curve: Curve) -> Metric:
    score = curve.score(mean)
    return Metric(name, mean, score, label(score))
