"""Quality of the shared collection: scores only fall as its clips are spoilt, clip by clip.

VITASCOPE_SOAK=1 does everything to every clip.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.quality.clips import CALIBRATION, HELD_OUT, clean
from bench.quality.degrading import DAMAGES, Damage
from services.media.engine.probe import probe
from services.media.engine.quality.assessment import assess
from tests.media.material import COLLECTION, collection, unheard

SOAK = os.environ.get("VITASCOPE_SOAK") == "1"
CLIPS = collection(*CALIBRATION, *HELD_OUT)
# A film without colours has none to lose.
_GREY = "video/chaplin_bw.mp4"


def damages_of(name: str) -> Sequence[Damage]:
    """All that is done to a clip in a soak, else one thing, and another to the next clip."""
    number = (*CALIBRATION, *HELD_OUT).index(name)
    return DAMAGES if SOAK else (DAMAGES[number % len(DAMAGES)],)


@pytest.mark.parametrize("name", CLIPS)
def test_what_spoils_a_clip_lowers_its_score(tmp_path: Path, name: str) -> None:
    clip = clean(name)
    for damage in damages_of(name):
        scores = []
        for level in damage.levels[::2]:
            path = tmp_path / "spoilt.mkv"
            damage.write(clip, level, path)
            assessment = assess(path, probe(path, unheard), unheard)
            assert assessment is not None
            scores += [m.subjective_score for m in assessment.metrics if m.name == damage.lowers]

        assert scores == sorted(scores, reverse=True), damage.name
        grey = damage.lowers == "colors" and name == _GREY
        assert scores[0] - scores[-1] >= (0 if grey else 0.9), damage.name


@pytest.mark.parametrize(
    "name", collection("video/hevc", "video/hdr", "video_interlaced", "video_pro")
)
def test_films_of_all_kinds_are_judged(name: str) -> None:
    path = COLLECTION / name

    assessment = assess(path, probe(path, unheard), unheard)

    assert assessment is not None
    assert all(0 <= each.subjective_score <= 5 for each in assessment.metrics)
