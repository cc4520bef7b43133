"""Processes die at the worst moment; what was accepted still finishes, once."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaConsumer

from tests.flows.walk import download, finish, ingest, progress, start_process, upload
from tests.kit.clips import FILM, decode
from tests.kit.suite import PASSWORD, Suite, kill, sign_in
from tests.kit.waiting import wait_for
from vitascope.videos.v1 import events_pb2

LARGE = {"resolution": {"tag": "4x"}, "scaler": "scale"}
"""A processing of some seconds, so that there is a middle to kill in."""


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    with Suite(tmp_path_factory.mktemp("suite")) as suite:
        yield suite


def until_half_way(client: httpx.Client, processed: str) -> None:
    def under_way() -> bool:
        state = progress(client, processed)
        assert state["processingStatus"] == "IN_PROGRESS", state
        return bool(5 < state["processingProgressPercent"] < 95)

    wait_for(under_way, seconds=60, what="the processing to be under way")


def check(client: httpx.Client, processed: str, path: Path) -> None:
    before = decode(FILM)
    after = decode(download(client, f"/media/v1/download/processed/{processed}", path))
    assert (after.width, after.frames) == (4 * before.width, before.frames)


async def finishes(suite: Suite, processed: str) -> list[events_pb2.VideoEvent]:
    """Every event on the topic that says the processing of a video ended."""
    consumer = AIOKafkaConsumer(
        "vitascope.videos.v1",
        bootstrap_servers=suite.addresses()["broker"],
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        found = []
        while batches := await consumer.getmany(timeout_ms=3000):
            for message in (message for batch in batches.values() for message in batch):
                event = events_pb2.VideoEvent.FromString(message.value)
                if event.video_id == processed and event.HasField("processing_finished"):
                    found.append(event)
        return found
    finally:
        await consumer.stop()


def test_a_killed_worker_costs_time_only(suite: Suite, tmp_path: Path) -> None:
    with suite.signed_in("ada@example.org") as client:
        video = upload(client, FILM)
        ingest(client, video)
        processed = start_process(client, video, LARGE)
        until_half_way(client, processed)
        kill(suite.part("services.media.worker"))
        finish(client, processed)
        check(client, processed, tmp_path / "out.mp4")
        [event] = asyncio.run(finishes(suite, processed))
        assert event.processing_finished.status == "DONE"
        scratch = suite.data / "scratch"
        wait_for(
            lambda: not [path for path in scratch.glob("*/items/**/*") if path.is_file()],
            seconds=20,
            what="the dead worker's scratch files to be swept",
        )


def test_a_power_cut_loses_nothing(suite: Suite, tmp_path: Path) -> None:
    with suite.signed_in("grace@example.org") as client:
        video = upload(client, FILM)
        ingest(client, video)
        processed = start_process(client, video, LARGE)
        until_half_way(client, processed)
        fresh = upload(client, FILM)  # accepted, perhaps not even looked at yet
        suite.kill_everything()
        suite.start()
        with httpx.Client(base_url=suite.url, timeout=60) as again:
            sign_in(again, "grace@example.org")
            finish(again, processed)
            check(again, processed, tmp_path / "out.mp4")
            ingest(again, fresh)
            original = download(again, f"/media/v1/download/original/{fresh}", tmp_path / "in.mp4")
            assert original.read_bytes() == FILM.read_bytes()


def test_a_fallen_part_is_started_again(suite: Suite) -> None:
    with suite.signed_in("mary@example.org") as client:
        for part in ("services.accounts", "services.videos", "gateway"):
            fallen = suite.part(part)
            kill(fallen)
            wait_for(lambda: suite.part(part).pid != fallen.pid, seconds=20, what=part)  # noqa: B023

        def answers() -> bool:
            try:
                return client.get(
                    "/accounts/v1/token", auth=("mary@example.org", PASSWORD)
                ).is_success
            except httpx.TransportError:
                return False

        wait_for(answers, seconds=30, what="the suite to answer again")


def test_stopping_leaves_no_process_and_status_zero(suite: Suite) -> None:
    assert suite.stop() == 0
