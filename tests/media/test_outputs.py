"""Making visible what workers made."""

import hashlib
from collections.abc import Sequence

import grpc
import pytest

from services.chassis.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Unauthenticated,
    WrongState,
)
from tests.media.house import Answer, House, answer_of, bearer
from vitascope.media.v1 import internal_pb2, internal_pb2_grpc, media_pb2

ITEM = "ITEM7XZ"
ACCOUNT = internal_pb2.Destination(account=internal_pb2.AccountDestination(account_id="account-1"))


def processed(video_id: str) -> internal_pb2.Destination:
    """The place of a video's processed file."""
    place = internal_pb2.VideoDestination(video_id=video_id)
    return internal_pb2.Destination(video=place)


async def made(
    house: House, data: bytes, *, attempt: int = 1, name: str = "output", file_name: str = "a.png"
) -> internal_pb2.OutputFile:
    """Put an output into storage as a worker does, and describe it."""
    key = f"work/{ITEM}/{attempt}/{name}"
    (house.folder / key).parent.mkdir(parents=True, exist_ok=True)
    (house.folder / key).write_bytes(data)
    return internal_pb2.OutputFile(
        name=name,
        storage_key=key,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        content_type="image/png",
        file_name=file_name,
        role=internal_pb2.ROLE_PROCESSED,
    )


async def commit(
    house: House,
    outputs: Sequence[internal_pb2.OutputFile],
    *,
    attempt: int = 1,
    to: internal_pb2.Destination = ACCOUNT,
) -> list[str]:
    """Commit outputs and return their paths."""
    request = internal_pb2.CommitOutputsRequest(
        item_id=ITEM, attempt=attempt, destination=to, outputs=outputs
    )
    return [output.path for output in (await house.call("CommitOutputs", request)).outputs]


async def served(house: House, path: str, **headers: str) -> Answer:
    """What anybody gets at a path."""
    request = media_pb2.DownloadOutputRequest(path=path, **headers)
    return await answer_of(house.media.DownloadOutput(request))


async def processed_file(house: House, video_id: str) -> Answer:
    """Download a processed video."""
    request = media_pb2.DownloadProcessedRequest(video_id=video_id)
    return await answer_of(house.media.DownloadProcessed(request, metadata=bearer()))


async def test_outputs_of_tasks_are_served_to_anybody(house: House) -> None:
    outputs = [
        await made(house, b"one", name="output", file_name="dragon-image.thumb-ABCDEF"),
        await made(house, b"", name="mask", file_name="dragon-image.thumb-GHIJKL"),
    ]
    paths = await commit(house, outputs)
    assert paths == [
        f"account-1/{ITEM}/dragon-image.thumb-ABCDEF",
        f"account-1/{ITEM}/dragon-image.thumb-GHIJKL",
    ]
    answer = await served(house, paths[0])
    assert (answer.status, answer.body, answer.content_type) == (200, b"one", "image/png")
    assert answer.headers["cache-control"] == "max-age=604800"
    assert answer.headers["etag"] == f'"{outputs[0].sha256}"'
    empty = await served(house, paths[1])
    assert (empty.status, empty.body, empty.headers["content-length"]) == (200, b"", "0")
    assert (await served(house, paths[0], range="bytes=1-")).body == b"ne"
    assert (await served(house, paths[0], if_none_match="*")).status == 304
    assert await house.events() == []


@pytest.mark.parametrize(
    "path",
    [
        f"account-1/{ITEM}/other.png",
        f"account-2/{ITEM}/a.png",
        f"account-1/{ITEM}/../{ITEM}/a.png",
        f"account-1/{ITEM}/./a.png",
        f"/account-1/{ITEM}/a.png",
        f"account-1//{ITEM}/a.png",
        f"account-1/{ITEM}/a.png/",
        f"account-1/{ITEM}",
        f"account-1/{ITEM}/%61.png",
        f"account-1%2F{ITEM}%2Fa.png",
        f"account-1/{ITEM}/a.png\0",
        f"work/{ITEM}/1",
        "../media.sqlite",
        "",
    ],
)
async def test_nothing_else_is_served(house: House, path: str) -> None:
    await commit(house, [await made(house, b"one")])
    with pytest.raises(NotFound):
        await served(house, path)


async def test_a_repeated_commit_changes_nothing(house: House) -> None:
    first = await commit(house, [await made(house, b"one", file_name="first.png")])
    again = await commit(house, [await made(house, b"one", file_name="second.png")])
    assert again == first == [f"account-1/{ITEM}/first.png"]
    assert (await served(house, first[0])).body == b"one"


async def test_a_newer_attempt_replaces_an_older_one(house: House) -> None:
    [old] = await commit(house, [await made(house, b"one")])
    newer = await made(house, b"two", attempt=2, file_name="b.png")
    [new] = await commit(house, [newer], attempt=2)
    assert (await served(house, new)).body == b"two"
    with pytest.raises(NotFound):
        await served(house, old)
    await house.upkeep.purge()
    assert house.objects() == [newer.storage_key]


async def test_an_older_attempt_is_refused_and_its_files_go(house: House) -> None:
    newer = await made(house, b"two", attempt=2, file_name="b.png")
    [path] = await commit(house, [newer], attempt=2)
    with pytest.raises(Conflict):
        await commit(house, [await made(house, b"one")])
    await house.upkeep.purge()
    assert (await served(house, path)).body == b"two"
    assert house.objects() == [newer.storage_key]


async def test_an_attempt_without_outputs_counts_too(house: House) -> None:
    assert await commit(house, [], attempt=2) == []
    with pytest.raises(Conflict):
        await commit(house, [await made(house, b"one")])


async def test_a_processed_video_becomes_visible_and_is_told(house: House) -> None:
    video_id = house.catalogue.add(parent_id="original")
    output = await made(house, b"film", file_name="Mein Film – neu.mp4")
    with pytest.raises(NotFound):
        await processed_file(house, video_id)
    assert await commit(house, [output], to=processed(video_id)) == [""]
    answer = await processed_file(house, video_id)
    assert (answer.status, answer.body) == (200, b"film")
    assert "neu.mp4" in answer.headers["content-disposition"]
    [event] = await house.events()
    media = event.media_stored.media
    assert (event.video_id, media.role) == (video_id, internal_pb2.ROLE_PROCESSED)
    assert (media.size, media.sha256) == (output.size, output.sha256)


async def test_a_newer_attempt_replaces_a_processed_video(house: House) -> None:
    video_id = house.catalogue.add(parent_id="original")
    await commit(house, [await made(house, b"one")], to=processed(video_id))
    newer = await made(house, b"two", attempt=2)
    await commit(house, [newer], attempt=2, to=processed(video_id))
    await commit(house, [newer], attempt=2, to=processed(video_id))
    await house.upkeep.purge()
    assert (await processed_file(house, video_id)).body == b"two"
    assert house.objects() == [newer.storage_key]
    assert await house.happenings() == ["media_stored", "media_stored"]


async def test_outputs_for_a_deleted_video_are_refused_and_go(house: House) -> None:
    with pytest.raises(NotFound):
        await commit(house, [await made(house, b"film")], to=processed("deleted"))
    await house.is_empty()


async def test_only_what_is_in_storage_becomes_visible(house: House) -> None:
    missing, short = await made(house, b"one"), await made(house, b"two", name="mask")
    (house.folder / missing.storage_key).unlink()
    with pytest.raises(WrongState):
        await commit(house, [missing])
    short.size += 1
    with pytest.raises(WrongState):
        await commit(house, [short])
    assert await house.rows() == 0
    short.size -= 1
    assert len(await commit(house, [short])) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("storage_key", f"work/{ITEM}/11/output"),
        ("storage_key", f"work/{ITEM}/1/../../../media.sqlite"),
        ("storage_key", "uploads/another"),
        ("file_name", "../a.png"),
        ("file_name", ""),
    ],
)
async def test_a_worker_can_name_only_its_own_files(house: House, field: str, value: str) -> None:
    output = await made(house, b"one")
    setattr(output, field, value)
    with pytest.raises((Invalid, WrongState)):
        await commit(house, [output])
    assert await house.rows() == 0


async def test_destinations_that_are_none_are_refused(house: House) -> None:
    video_id = house.catalogue.add()
    outputs = [await made(house, b"one"), await made(house, b"two", name="b", file_name="b.png")]
    with pytest.raises(Invalid):
        await commit(house, outputs[:1], to=internal_pb2.Destination())
    original = internal_pb2.OutputFile()
    original.CopyFrom(outputs[0])
    original.role = internal_pb2.ROLE_ORIGINAL
    homeless = internal_pb2.OutputFile()
    homeless.CopyFrom(outputs[0])
    homeless.role = internal_pb2.ROLE_UNSPECIFIED
    for wrong in (outputs, [original], [homeless], []):
        with pytest.raises(Invalid):
            await commit(house, wrong, to=processed(video_id))
    with pytest.raises(Invalid):
        await commit(house, [outputs[0], outputs[0]])


async def test_users_cannot_commit(house: House) -> None:
    stub = internal_pb2_grpc.StoreServiceStub(house.channel)
    request = internal_pb2.CommitOutputsRequest(item_id=ITEM, attempt=1, destination=ACCOUNT)
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.CommitOutputs(request, metadata=bearer())
    assert refusal.value.code() in (Forbidden.code, Unauthenticated.code)
