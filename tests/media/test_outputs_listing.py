"""Looking through the outputs of an account, on both engines."""

import grpc
import pytest

from services.chassis.errors import Unauthenticated, from_rpc
from tests.media.holdings import Holdings
from tests.media.house import bearer, named
from vitascope.media.v1 import outputs_pb2, outputs_pb2_grpc

NOTHING = {"files": [], "directories": [], "usage": 0}
MANY = 100_000


async def test_the_root_has_a_directory_for_each_task(mine: Holdings) -> None:
    assert await mine.listed() == NOTHING
    await mine.make("KEY2", "one", "two")
    await mine.make("KEY1", "three")
    assert await mine.listed() == {"files": [], "directories": ["KEY1/", "KEY2/"], "usage": 0}


@pytest.mark.parametrize("path", ["KEY2", "KEY2/", "/KEY2", "//KEY2//"])
@pytest.mark.parametrize("recursive", [False, True])
async def test_a_directory_has_files(mine: Holdings, path: str, recursive: bool) -> None:
    await mine.make("KEY1", "other")
    await mine.make("KEY2", "two", "one", size=7)
    await mine.make("KEY22", "other")
    listed = await mine.listed(path, recursive=recursive)
    assert listed == {"files": [("one", 7), ("two", 7)], "directories": [], "usage": 14}


async def test_a_recursive_list_has_all_files(mine: Holdings) -> None:
    await mine.make("KEY2", "two", "one", size=7)
    await mine.make("KEY1", "three", size=5)
    assert await mine.listed(recursive=True) == {
        "files": [("KEY1/three", 5), ("KEY2/one", 7), ("KEY2/two", 7)],
        "directories": [],
        "usage": 19,
    }


async def test_the_path_of_a_file_lists_it(mine: Holdings) -> None:
    await mine.make("KEY1", "one", "two", size=7)
    listed = await mine.listed("KEY1/two")
    assert listed == {"files": [("two", 7)], "directories": [], "usage": 7}


@pytest.mark.parametrize(
    "path",
    ["OTHER", "KEY", "KEY1/none", "KEY1/one/more", "..", ".", "KEY1/../KEY1", "KEY1%2Fone", "Ké"],
)
@pytest.mark.parametrize("recursive", [False, True])
async def test_elsewhere_there_is_nothing(mine: Holdings, path: str, recursive: bool) -> None:
    await mine.make("KEY1", "one")
    assert await mine.listed(path, recursive=recursive) == NOTHING


async def test_others_see_nothing_of_it(mine: Holdings, theirs: Holdings) -> None:
    await mine.make("KEY1", "one")
    for path in ("", "KEY1", "KEY1/one", f"{mine.account}/KEY1"):
        for recursive in (False, True):
            assert await theirs.listed(path, recursive=recursive) == NOTHING


async def test_users_without_an_account_key_are_refused(mine: Holdings) -> None:
    stub = outputs_pb2_grpc.OutputsServiceStub(mine.house.channel)
    days = outputs_pb2.SetExpirationRequest(days=1)
    with pytest.raises(Unauthenticated):
        await named(stub.SetExpiration(days, metadata=bearer()))
    call = stub.ListFiles(outputs_pb2.ListFilesRequest(), metadata=bearer())
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await call.read()
    assert isinstance(from_rpc(refusal.value), Unauthenticated)


async def test_a_hundred_thousand_files_come_in_small_parts(mine: Holdings) -> None:
    await mine.insert(MANY)
    stub = outputs_pb2_grpc.OutputsServiceStub(mine.house.channel)
    request = outputs_pb2.ListFilesRequest(recursive=True)
    names, largest, usage = list[str](), 0, 0
    async for part in stub.ListFiles(request, metadata=mine.key()):
        names += [file.name for file in part.files]
        largest = max(largest, part.ByteSize())
        usage = part.usage
    assert (len(names), usage) == (MANY, MANY * 10)
    assert names == sorted(set(names))
    assert largest < 2**20
    roots = await mine.listed()
    assert len(roots["directories"]) == MANY
