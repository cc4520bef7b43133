"""How the measures of quality follow what is done to clean clips.

Clips of ../shared/media get noisy, blurred, compressed and pale by degrees, and
are judged as an upload would be. Each damage has a table: how the metric that
it is to lower goes, clip by clip, as measure and score, and whether it only
falls; then what happens to the scores of the other metrics. With --vmaf,
compression and blur are judged by VMAF too, which knows the clean clip, and
the curve of details is fitted to it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import imageio_ffmpeg  # type: ignore[import-untyped]

from bench.quality.clips import CALIBRATION, COLLECTION, HELD_OUT, clean
from bench.quality.degrading import DAMAGES, Damage, write
from bench.quality.fit import Pair, error, fitted
from services.media.engine.probe import probe
from services.media.engine.quality.assessment import Assessment, assess
from services.media.engine.quality.scores import DETAILS

SETS = {"calibration": CALIBRATION, "held out": HELD_OUT}
# Rises of the score that nobody could see, and that rounding hides.
_UNSEEN = 0.05


def main() -> int:
    """Run the bench and print its tables; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.quality",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--vmaf", action="store_true", help="ask VMAF too")
    parser.add_argument("--only", help="damages whose name begins so")
    options = parser.parse_args()
    if not COLLECTION.exists():
        print(f"Missing: {COLLECTION}")
        return 1
    pairs: dict[str, list[Pair]] = {title: [] for title in SETS}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        for damage in DAMAGES:
            if damage.name.startswith(options.only or ""):
                for title, found in _table(damage, Path(name), vmaf=options.vmaf).items():
                    pairs[title] += found
    if pairs["calibration"]:
        _agreement(pairs)
    return 0


def _agreement(pairs: Mapping[str, Sequence[Pair]]) -> None:
    print("\n### details against VMAF / 20\n")
    _row("FISH", *DETAILS.measures)
    _row("---", *("---:" for _ in DETAILS.measures))
    _row("least squares", *(f"{each:.1f}" for each in fitted(pairs["calibration"], DETAILS)))
    _row("curve", *DETAILS.scores)
    print()
    for title, found in pairs.items():
        wrong, bias = error(found, DETAILS)
        print(f"{title}: {len(found)} clips, root mean square {wrong:.2f}, mean {bias:+.2f}")


def _table(damage: Damage, folder: Path, *, vmaf: bool) -> dict[str, list[Pair]]:
    """Print the table of a damage; return its measures of details with VMAF's, by set."""
    print(f"\n### {damage.name}: {damage.lowers}\n")
    _row("clip", *damage.levels, "only falls")
    _row("---", *("---:" for _ in damage.levels), "---")
    pairs: dict[str, list[Pair]] = {title: [] for title in SETS}
    for title, names in SETS.items():
        _row(f"*{title}*", *("" for _ in damage.levels), "")
        for name in names:
            pairs[title] += _clip_rows(name, damage, folder, vmaf=vmaf)
    return pairs


def _clip_rows(name: str, damage: Damage, folder: Path, *, vmaf: bool) -> list[Pair]:
    clip, reference = clean(name), folder / "clean.mkv"
    write(clip, reference, "ffv1", {})
    found, judged = [], []
    for level in damage.levels:
        spoilt = folder / "spoilt.mkv"
        damage.write(clip, level, spoilt)
        assessment = assess(spoilt, probe(spoilt, lambda percent: None), lambda percent: None)
        if assessment is None:
            raise ValueError(f"{name} shows nothing")
        found.append(assessment)
        if vmaf and damage.lowers == "details":
            judged.append(_vmaf(spoilt, reference))
    lowered = [_metric(each, damage.lowers) for each in found]
    cells = [f"{measure:.1f} / {score:.1f}" for measure, score in lowered]
    _row(Path(name).stem[:20], *cells, _verdict([score for _, score in lowered]))
    if judged:
        _row("... VMAF", *(f"{each:.0f}" for each in judged), "")
    for other in ("noise", "details", "colors"):
        if other != damage.lowers:
            _row(f"... {other}", *(f"{_metric(each, other)[1]:.1f}" for each in found), "")
    measures = [measure for measure, _ in lowered]
    return [Pair(one, grade / 20) for one, grade in zip(measures, judged, strict=False)]


def _metric(assessment: Assessment, name: str) -> tuple[float, float]:
    metric = next(each for each in assessment.metrics if each.name == name)
    return metric.sample_mean, metric.subjective_score


def _verdict(scores: Sequence[float]) -> str:
    rises = [after - before for before, after in pairwise(scores)]
    if max(rises) <= 0:
        return "yes"
    return f"rises {max(rises):.2f}" if max(rises) > _UNSEEN else "yes, to a twentieth"


def _vmaf(spoilt: Path, reference: Path) -> float:
    log = spoilt.with_suffix(".json")
    chain = f"libvmaf=log_fmt=json:log_path={log}"
    program = imageio_ffmpeg.get_ffmpeg_exe()
    command = [program, "-v", "error", "-i", spoilt, "-i", reference, "-lavfi", chain]
    subprocess.run([*command, "-f", "null", "-"], check=True)
    return float(json.loads(log.read_text())["pooled_metrics"]["vmaf"]["mean"])


def _row(*cells: object) -> None:
    print("| " + " | ".join(str(each) for each in cells) + " |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
