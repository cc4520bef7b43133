"""A long conversion by two workers that are killed in the middle: what is done stays done."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flows.walk import download, ingest, progress, start_process, upload
from tests.kit.clips import FILM
from tests.kit.suite import Suite, kill
from tests.kit.waiting import wait_for
from tests.media.filtering import ffmpeg
from tests.media.measure import heard, shown

WORKER = "services.media.worker"
SECONDS = 36
RATE = 60
# Work for some ten seconds a segment, on a core of one's own.
BODY: dict[str, Any] = {
    "mediaContainerCodec": {"container": "mov", "codec": "prores"},
    "appleProresProfile": "proxy",
    "frameRate": {"fps": RATE},
    "frameRateConverter": "mcinterpolate",
}
PATIENCE = 300.0


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    one_slot = {"VITASCOPE_WORKER_SLOTS": "1"}
    with Suite(tmp_path_factory.mktemp("suite"), one_slot, workers=2) as suite:
        yield suite


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    small = ["-vf", "scale=320:180", "-c:v", "libx264", "-preset", "ultrafast", "-g", "24"]
    ffmpeg("-stream_loop", "5", "-i", FILM, "-t", str(SECONDS), *small, path)
    return path


def segments(suite: Suite) -> dict[str, tuple[str, int, str | None]]:
    """State, attempt and worker of each segment, by its id."""
    query = "SELECT item_id, state, attempt, worker_id FROM items WHERE kind = 'video.segment'"
    return {row[0]: (row[1], row[2], row[3]) for row in suite.ask("tasks", query)}


def test_segments_are_shared_and_outlive_their_workers(
    suite: Suite, film: Path, tmp_path: Path
) -> None:
    with suite.signed_in("ada@example.org") as client:
        video = upload(client, film)
        ingest(client, video)
        processed = start_process(client, video, BODY)
        workers: set[str] = set()

        def one_is_done() -> list[str]:
            found = segments(suite)
            workers.update(who for state, _, who in found.values() if who and state == "executing")
            return [name for name, (state, *_) in found.items() if state == "success"]

        done = wait_for(one_is_done, seconds=PATIENCE, what="a segment to be done")
        before = progress(client, processed)["processingProgressPercent"]
        for worker in suite.parts(WORKER):
            kill(worker)
        wait_for(lambda: ended(client, processed), seconds=PATIENCE, what="the film to be done")

        assert len(workers) == 2
        found = segments(suite)
        assert len(found) > 2
        assert {state for state, *_ in found.values()} == {"success"}
        assert {found[name][1] for name in done} == {1}
        assert any(attempt > 1 for name, (_, attempt, _) in found.items() if name not in done)
        assert 0 < before < 100
        assert_right(client, film, processed, tmp_path / "made.mov")
    assert_swept(suite)


def ended(client: httpx.Client, processed: str) -> bool:
    state = progress(client, processed)
    assert state["processingStatus"] != "ERROR", state
    return bool(state["processingStatus"] == "DONE")


def assert_right(client: httpx.Client, film: Path, processed: str, path: Path) -> None:
    download(client, f"/media/v1/download/processed/{processed}", path)
    times = shown(path).times
    assert len(times) == pytest.approx(SECONDS * RATE, abs=2)
    assert len({later - time for time, later in pairwise(times)}) == 1
    (old_start, old), (new_start, new) = heard(film), heard(path)
    assert float(new_start - times[0]) == pytest.approx(float(old_start), abs=0.001)
    assert new.shape == old.shape


def assert_swept(suite: Suite) -> None:
    """Nothing of the segments is left, in the media service's books or in storage."""

    def swept() -> bool:
        left = suite.ask("media", "SELECT count(*) FROM parts") + suite.ask(
            "media", "SELECT count(*) FROM discarded"
        )
        return left == [(0,), (0,)]

    wait_for(swept, seconds=100, what="the segments to be swept")
    assert not list((suite.data / "storage" / "work").rglob("pictures"))
