"""Originals out of a bucket: brought once for all segments of a video."""

import asyncio
from pathlib import Path

import pytest

from services.chassis.errors import NotFound
from services.media.operations import BadMedia
from services.media.worker.originals import Originals
from services.media.worker.sources import made_by_parts
from tests.media.house import until
from vitascope.media.v1.operations_pb2 import VideoSegmentResult
from vitascope.work.v1.work_pb2 import PartResult


class Bucket:
    """A storage that hands its one object out when it is told to."""

    def __init__(self) -> None:
        self.fetched: list[str] = []
        self.open = asyncio.Event()

    async def fetch(self, key: str, path: Path) -> None:
        self.fetched.append(key)
        await self.open.wait()
        if key != "film":
            raise NotFound("There is no such file.")
        await asyncio.to_thread(path.write_bytes, b"film")


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


def originals(bucket: Bucket, folder: Path, seconds_kept: float = 60) -> Originals:
    return Originals(bucket, folder / "copies", seconds_kept)  # type: ignore[arg-type]


async def test_those_who_come_together_share_one_copy(bucket: Bucket, tmp_path: Path) -> None:
    store = originals(bucket, tmp_path)
    targets = [tmp_path / str(number) for number in range(3)]
    bringing = [asyncio.create_task(store.bring("film", target)) for target in targets]
    await asyncio.sleep(0)
    bucket.open.set()
    await asyncio.gather(*bringing)
    await store.bring("film", tmp_path / "later")
    assert bucket.fetched == ["film"]
    assert {path.read_bytes() for path in [*targets, tmp_path / "later"]} == {b"film"}


async def test_copy_goes_after_a_while_and_not_from_those_who_have_it(
    bucket: Bucket, tmp_path: Path
) -> None:
    bucket.open.set()
    store = originals(bucket, tmp_path, seconds_kept=0)
    await store.bring("film", tmp_path / "mine")

    async def gone() -> bool:
        return not list((tmp_path / "copies").iterdir())

    await until(gone)
    assert (tmp_path / "mine").read_bytes() == b"film"
    await store.bring("film", tmp_path / "anew")
    assert bucket.fetched == ["film", "film"]


async def test_when_all_have_gone_nothing_is_fetched_on(bucket: Bucket, tmp_path: Path) -> None:
    store = originals(bucket, tmp_path)
    bringing = asyncio.create_task(store.bring("film", tmp_path / "mine"))

    async def begun() -> bool:
        return bool(bucket.fetched)

    await until(begun)
    bringing.cancel()
    await asyncio.wait([bringing])
    bucket.open.set()
    await store.bring("film", tmp_path / "mine")
    assert len(bucket.fetched) == 2


async def test_what_is_not_there_is_asked_for_anew(bucket: Bucket, tmp_path: Path) -> None:
    bucket.open.set()
    store = originals(bucket, tmp_path)
    for _ in range(2):
        with pytest.raises(NotFound):
            await store.bring("other", tmp_path / "mine")
    assert len(bucket.fetched) == 2


def result(key: str) -> PartResult:
    made = VideoSegmentResult(pictures=key)
    return PartResult(kind="video.segment", result=made.SerializeToString())


def test_parts_are_sources_by_their_keys() -> None:
    found = list(made_by_parts([result("work/ONE/1/pictures"), result("work/TWO/3/pictures")]))
    assert [source.name for source in found] == ["part-0-pictures", "part-1-pictures"]
    assert [source.part_key for source in found] == ["work/ONE/1/pictures", "work/TWO/3/pictures"]


@pytest.mark.parametrize(
    "key", ["uploads/SOMEBODY/original", "work/../uploads/original", "work/A/1/b/c", "/work/A/1/b"]
)
def test_keys_outside_of_work_are_refused(key: str) -> None:
    with pytest.raises(BadMedia):
        list(made_by_parts([result(key)]))
