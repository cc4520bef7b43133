"""Parts of one message become one JSON object."""

import json
import random
from typing import cast

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from gateway.codec import Codec
from gateway.merged import Merging
from gateway.surfaces.tasks import TASKS
from gateway.surfaces.video import VIDEO
from vitascope.media.v1.media_pb2 import UploadMediaResponse
from vitascope.media.v1.outputs_pb2 import DeleteFilesResponse, ListFilesResponse, OutputFileEntry

CODEC = Codec(TASKS)


def descriptor(of: type[Message]) -> Descriptor:
    return cast(Descriptor, of.DESCRIPTOR)


def merged(*parts: Message, of: type[Message] = ListFilesResponse) -> bytes:
    merging = Merging(CODEC, descriptor(of))
    return b"".join([*(merging.add(part) for part in parts), merging.end()])


def files(*names: str) -> ListFilesResponse:
    return ListFilesResponse(files=[OutputFileEntry(name=name, size=1) for name in names])


def whole(*parts: Message, of: type[Message] = ListFilesResponse) -> bytes:
    """What the whole message is as one."""
    message = of()
    for part in parts:
        message.MergeFrom(part)
    return CODEC.writer(descriptor(of), "")(message)


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (ListFilesResponse(),),
        (ListFilesResponse(usage=0),),
        (files("a"),),
        (files("a"), files("b", "c"), ListFilesResponse(), files("é")),
        (files("a"), ListFilesResponse(directories=["b/"]), ListFilesResponse(usage=7)),
        (ListFilesResponse(directories=["b/"]), ListFilesResponse(directories=["c/"])),
        (ListFilesResponse(directories=["b/"], usage=7),),
    ],
    ids=str,
)
def test_the_text_is_that_of_the_whole(parts: tuple[Message, ...]) -> None:
    assert merged(*parts) == whole(*parts)


def test_whatever_the_parts_are() -> None:
    pick = random.Random(4)  # noqa: S311 -- the same parts every time
    for _ in range(200):
        parts: list[Message] = [
            DeleteFilesResponse(deleted=["x"] * pick.randrange(3)) for _ in range(pick.randrange(4))
        ]
        parts += [DeleteFilesResponse(freed=pick.randrange(2))] * pick.randrange(2)
        parts += [DeleteFilesResponse(usage=pick.randrange(2))] * pick.randrange(2)
        text = merged(*parts, of=DeleteFilesResponse)
        assert text == whole(*parts, of=DeleteFilesResponse)
        json.loads(text)


@pytest.mark.parametrize(
    "parts",
    [
        (ListFilesResponse(directories=["b/"]), files("a")),
        (ListFilesResponse(usage=1), files("a")),
        (ListFilesResponse(usage=1), ListFilesResponse(usage=2)),
    ],
    ids=str,
)
def test_parts_come_in_order(parts: tuple[Message, ...]) -> None:
    with pytest.raises(ValueError, match="too late"):
        merged(*parts)


def test_only_what_can_be_missing_can_come_in_parts() -> None:
    with pytest.raises(ValueError, match="video_id is neither repeated nor optional"):
        Merging(Codec(VIDEO), descriptor(UploadMediaResponse))
