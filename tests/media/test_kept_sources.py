"""The source of an item that is split: kept for its parts, and for nobody and no longer."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from services.chassis.database import now
from services.media import operations, sandbox
from services.media.operations import BadMedia, Output
from services.media.store import parts as stored_parts
from services.media.worker.parts import checked_parts
from services.media.worker.stores.inside import Inside
from tests.kit.waiting import wait_for_async
from tests.kit.webserver import Server, answer
from tests.media import kinds
from tests.media.bench import LEASE, Bench, a_bench
from tests.media.house import House
from tests.media.test_outputs import ITEM, commit, made, served
from tests.media.test_settling import age_commits
from vitascope.media.v1.internal_pb2 import Destination, PartDestination
from vitascope.media.v1.operations_pb2 import VideoProcessSpec, VideoSegmentResult, VideoSegmentSpec
from vitascope.tasks.v2.specs_pb2 import VideoConvertSpec
from vitascope.work.v1 import work_pb2
from vitascope.work.v1.work_pb2 import Assignment, Finished, Lease, PartResult, Split

WHOLE = "test.halves"
FILM, OTHER_FILM = b"\n\nwhat was there first", b"\n\nwhat is there today"
KEPT = f"work/{LEASE.item_id}/1/source"
JOINER = Lease(item_id=LEASE.item_id, attempt=2)
TO_WHOLE = Destination(part=PartDestination(item_id=LEASE.item_id))


@pytest.fixture(autouse=True)
def _test_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "REGISTRY", operations.REGISTRY)
    kinds.register()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with a_bench(tmp_path) as bench:
        yield bench


@pytest.fixture
def spec(server: Server) -> VideoConvertSpec:
    server.answers["/film"] = answer(FILM)
    return VideoConvertSpec(url=server.url("/film"))


def parts_of(split: Split) -> list[VideoSegmentSpec]:
    return [VideoSegmentSpec.FromString(part.spec) for part in split.parts]


async def part_ended(bench: Bench, spec: VideoSegmentSpec, number: int) -> Finished:
    """Have a part made of the item; how it ended."""
    lease = Lease(item_id=f"PART{number}", attempt=1)
    bench.ledger.assign("test.half", spec, lease, destination=TO_WHOLE)
    await wait_for_async(lambda: bench.ledger.finished(lease), what="the part to end")
    return bench.ledger.finished(lease)[0]


async def results_of(bench: Bench, split: Split) -> list[PartResult]:
    """Have all parts made; what the ledger hands to who joins them."""
    ends = [await part_ended(bench, each, number) for number, each in enumerate(parts_of(split))]
    return [PartResult(kind="test.half", result=end.success.result) for end in ends]


async def joined(bench: Bench, spec: VideoConvertSpec, results: Sequence[PartResult]) -> Finished:
    """Have the item ended of which the parts were made."""
    bench.ledger.assign(WHOLE, spec, JOINER, parts=results)
    await wait_for_async(lambda: bench.ledger.finished(JOINER), what="the item to end")
    return bench.ledger.finished(JOINER)[0]


async def output_of(bench: Bench) -> bytes:
    """What the item has made."""
    pieces = [piece async for piece in bench.storage.read(f"work/{JOINER.item_id}/2/output")]
    return b"".join(pieces)


def three_of(film: bytes) -> bytes:
    """What is made of a film: itself and its halves."""
    middle = len(film) // 2
    return b"|".join([film, film[:middle], film[middle:]])


def asked(server: Server) -> int:
    return sum(head.startswith("GET /film") for head in server.requests)


@pytest.mark.parametrize("is_remote", [False, True])
async def test_parts_and_joiner_read_what_the_item_read(
    bench: Bench, server: Server, spec: VideoConvertSpec, is_remote: bool
) -> None:
    bench.storage.is_remote = is_remote
    split = (await bench.end(WHOLE, spec)).split
    assert [each.source_key for each in parts_of(split)] == [KEPT, KEPT]
    assert await bench.objects() == {KEPT}
    [kept] = bench.store.commits
    assert (kept.item_id, kept.attempt, kept.destination) == (LEASE.item_id, 1, TO_WHOLE)

    server.answers["/film"] = answer(OTHER_FILM)
    results = await results_of(bench, split)
    end = await joined(bench, spec, results)

    assert end.WhichOneof("outcome") == "success"
    assert await output_of(bench) == three_of(FILM)
    assert asked(server) == 1


async def test_what_is_gone_is_read_from_its_address(
    bench: Bench, server: Server, spec: VideoConvertSpec
) -> None:
    split = (await bench.end(WHOLE, spec)).split
    await bench.storage.delete(KEPT)
    server.answers["/film"] = answer(OTHER_FILM)
    results = await results_of(bench, split)
    end = await joined(bench, spec, results)
    assert end.WhichOneof("outcome") == "success"
    assert await output_of(bench) == three_of(OTHER_FILM)


async def test_a_storage_that_is_away_is_told_and_tried_again(
    bench: Bench, spec: VideoConvertSpec
) -> None:
    bench.storage.fails_on = "source"
    failure = (await bench.end(WHOLE, spec)).failure
    assert (failure.message, failure.retryable) == ("The storage is not available.", True)
    assert bench.store.commits == []


@pytest.mark.parametrize(
    "forged",
    [
        'source_key: "work/OTHER/1/source"',
        f'source_key: "{KEPT}"',
        'source_key: "../secret"',
        'source_key: "/etc/passwd"',
        'source_key: "uploads/somebody/original"',
        'convert { url: "http://127.0.0.1/another" }',
    ],
)
async def test_a_run_cannot_say_what_its_parts_read(
    bench: Bench, server: Server, spec: VideoConvertSpec, forged: str
) -> None:
    server.answers["/film"] = answer(f"{forged}\n\n".encode())
    failure = (await bench.end(WHOLE, spec)).failure
    assert failure.message == "was split into parts that read what the whole does not"
    assert not failure.retryable
    assert bench.store.commits == []
    assert await bench.objects() == set()


def test_nor_can_one_that_reads_a_video() -> None:
    """Its parts do not look at the key, but would hand it on to who joins them."""
    whole, spec = operations.operation("video.process"), VideoProcessSpec(source_video_id="v")
    part = VideoSegmentSpec(process=spec, source_key="work/OTHER/1/source")
    asked = sandbox.Split((sandbox.outcome.Part("video.segment", part.SerializeToString(), 1),))
    with pytest.raises(BadMedia, match="read what the whole does not"):
        checked_parts(whole, whole.sources(spec), asked)


@pytest.mark.parametrize(
    "forged", ["work/OTHER/1/source", "work/ITEM/1/pictures", "../secret", "/etc/passwd"]
)
async def test_a_part_cannot_say_what_the_joiner_reads(
    bench: Bench, server: Server, spec: VideoConvertSpec, forged: str
) -> None:
    server.answers["/film"] = answer(f'\nsource: "{forged}" pictures: "{forged}"\n'.encode())
    split = (await bench.end(WHOLE, spec)).split
    [first, second] = await results_of(bench, split)
    for number, part in enumerate((first, second)):
        said = VideoSegmentResult.FromString(part.result)
        assert (said.source, said.pictures) == (KEPT, f"work/PART{number}/1/pictures")


async def test_a_part_without_a_kept_source_names_none(
    bench: Bench, server: Server, spec: VideoConvertSpec
) -> None:
    server.answers["/film"] = answer(b'\nsource: "work/OTHER/1/source"\n')
    end = await part_ended(bench, VideoSegmentSpec(convert=spec), 0)
    assert VideoSegmentResult.FromString(end.success.result).source == ""


@pytest.mark.parametrize(
    "key", ["work/../secret", "work/OTHER/1/../../secret", "/etc/passwd", "uploads/somebody/a"]
)
async def test_a_joiner_reads_nothing_outside_the_workers_folder(
    bench: Bench, spec: VideoConvertSpec, key: str
) -> None:
    said = VideoSegmentResult(source=key).SerializeToString()
    failure = (await joined(bench, spec, [PartResult(kind="test.half", result=said)])).failure
    assert (failure.message, failure.retryable) == ("a part ended without a usable result", False)


async def keep(house: House, folder: Path, attempt: int = 1) -> str:
    """Keep a source as a worker does; its key."""
    path = folder / "film"
    path.write_bytes(FILM)
    house.ledger.states[ITEM] = work_pb2.STATE_EXECUTING
    assignment = Assignment(lease=Lease(item_id=ITEM, attempt=attempt), kind=WHOLE)
    output = Output("source", path, "video/mp4", "film.mp4")
    inside = Inside(house.backends.storage, house.internal)
    return (await inside.keep(assignment, output)).storage_key


async def settled(house: House) -> None:
    """Have the ledger be asked about the item as if a while had gone by, and all be swept."""
    await age_commits(house)
    async with house.backends.database.transaction() as tx:
        await stored_parts.ask_later(tx, [ITEM], now() - timedelta(minutes=1))
    await house.settling.settle()
    await house.upkeep.sweep()


async def test_stays_while_the_item_goes_on(house: House, tmp_path: Path) -> None:
    key = await keep(house, tmp_path)
    await settled(house)
    assert house.objects() == [key] == [f"work/{ITEM}/1/source"]


async def test_that_of_the_newest_attempt_counts(house: House, tmp_path: Path) -> None:
    await keep(house, tmp_path)
    key = await keep(house, tmp_path, attempt=2)
    await house.has_left(1)
    assert house.objects() == [key] == [f"work/{ITEM}/2/source"]


@pytest.mark.parametrize(
    "end", [work_pb2.STATE_SUCCESS, work_pb2.STATE_ERROR, work_pb2.STATE_CANCELLED, None]
)
async def test_goes_with_the_items_end(
    house: House, tmp_path: Path, end: work_pb2.State.ValueType | None
) -> None:
    await keep(house, tmp_path)
    del house.ledger.states[ITEM]
    if end is not None:
        house.ledger.states[ITEM] = end
    await settled(house)
    await house.is_empty()


async def test_goes_when_the_item_has_its_output(house: House, tmp_path: Path) -> None:
    await keep(house, tmp_path)
    [path] = await commit(house, [await made(house, b"joined", attempt=2)], attempt=2)
    house.ledger.states[ITEM] = work_pb2.STATE_SUCCESS
    await settled(house)
    await house.has_left(1)
    assert (await served(house, path)).body == b"joined"
