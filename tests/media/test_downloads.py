"""Downloads of every file of a video, over gRPC with the real interceptors."""

import os
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import pytest

from services.chassis.errors import Invalid, NotFound, OutOfRange, WrongState
from tests.media.house import OTHER_TEAM, TEAM, Answer, House, answer_of, bearer
from tests.media.previews import (
    BOARD,
    INDEX,
    LARGE,
    PREVIEWS,
    SMALL,
    WEB,
    Preview,
    add_previews,
)
from vitascope.media.v1 import internal_pb2, media_pb2

SIZE = len(WEB.data)
LARGE_SIZE = 5 * 2**20


@pytest.fixture
async def video(house: House) -> str:
    """A video with all previews and no original."""
    video_id = house.catalogue.add()
    await add_previews(house, video_id)
    return video_id


async def get(house: House, method: str, video_id: str, team: str = TEAM, **asked: str) -> Answer:
    """Call one of the download RPCs."""
    request: Any = getattr(media_pb2, f"{method}Request")(video_id=video_id, **asked)
    return await answer_of(getattr(house.media, method)(request, metadata=bearer(team)))


async def web(house: House, video_id: str, **asked: str) -> Answer:
    """Download the web video."""
    return await get(house, "DownloadWebVideo", video_id, **asked)


EVERY = [
    ("DownloadScreenshot", {"size": "small"}, SMALL),
    ("DownloadScreenshot", {"size": "large"}, LARGE),
    ("DownloadWebVideo", {}, WEB),
    ("DownloadStoryboard", {}, BOARD),
    ("DownloadStoryboard", {"file_name": "storyboard.jpg"}, BOARD),
    ("DownloadStoryboard", {"file_name": "storyboard.vtt"}, INDEX),
]


@pytest.mark.parametrize(("method", "asked", "preview"), EVERY)
async def test_previews_are_shown_to_the_team(
    house: House, video: str, method: str, asked: dict[str, str], preview: Preview
) -> None:
    answer = await get(house, method, video, **asked)
    assert (answer.status, answer.body) == (200, preview.data)
    assert answer.content_type == answer.headers["content-type"] == preview.content_type
    assert answer.headers["etag"] == preview.etag
    assert answer.headers["content-length"] == str(len(preview.data))
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["content-disposition"].startswith("inline; filename=")
    with pytest.raises(NotFound) as refusal:
        await get(house, method, video, OTHER_TEAM, **asked)
    assert refusal.value.reason == "VideoNotFoundException"


@pytest.mark.parametrize(("method", "asked", "_"), EVERY)
async def test_there_is_nothing_before_ingestion(
    house: House, method: str, asked: dict[str, str], _: Preview
) -> None:
    with pytest.raises(NotFound) as refusal:
        await get(house, method, house.catalogue.add(), **asked)
    assert refusal.value.reason == "MediaNotFoundException"


@pytest.mark.parametrize("size", ["", "medium", "SMALL", "original", "small/"])
async def test_there_are_two_sizes_of_screenshots(house: House, video: str, size: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await get(house, "DownloadScreenshot", video, size=size)
    assert [violation.field for violation in refusal.value.violations] == ["size"]


@pytest.mark.parametrize("name", ["film-small.jpg", "storyboard", "../storyboard.vtt", "a.vtt"])
async def test_a_storyboard_has_two_files(house: House, video: str, name: str) -> None:
    with pytest.raises(NotFound):
        await get(house, "DownloadStoryboard", video, file_name=name)


async def test_the_name_of_a_preview_is_told_whole(house: House, video: str) -> None:
    answer = await web(house, video)
    assert answer.headers["content-disposition"] == (
        "inline; filename=\"S_ren _ web.mp4\"; filename*=UTF-8''S%C3%B8ren%20%E2%80%93%20web.mp4"
    )


async def test_several_ranges_come_as_one_answer(house: House, video: str) -> None:
    answer = await web(house, video, range="bytes=2000000-2000009, 5-9, 100-102,-3")
    assert answer.status == 206
    kind, _, boundary = answer.headers["content-type"].partition("; boundary=")
    assert kind == "multipart/byteranges"
    assert answer.content_type == answer.headers["content-type"]
    assert "content-range" not in answer.headers
    assert answer.headers["content-length"] == str(len(answer.body))
    expected = b""
    for start, end in ((2_000_000, 2_000_010), (5, 10), (100, 103), (SIZE - 3, SIZE)):
        expected += f"\r\n--{boundary}\r\nContent-Type: video/mp4\r\n".encode()
        expected += f"Content-Range: bytes {start}-{end - 1}/{SIZE}\r\n\r\n".encode()
        expected += WEB.data[start:end]
    assert answer.body == (expected + f"\r\n--{boundary}--\r\n".encode()).removeprefix(b"\r\n")


async def test_every_answer_has_another_boundary(house: House, video: str) -> None:
    twice = [await web(house, video, range="bytes=0-0,1000-1000") for _ in range(2)]
    assert twice[0].headers["content-type"] != twice[1].headers["content-type"]


@pytest.mark.parametrize("header", ["bytes=0-9,5-19", "bytes=10-19,0-9", "bytes=0-19,9999999-"])
async def test_ranges_that_are_one_come_as_one(house: House, video: str, header: str) -> None:
    answer = await web(house, video, range=header)
    assert (answer.status, answer.body) == (206, WEB.data[:20])
    assert answer.headers["content-range"] == f"bytes 0-19/{SIZE}"
    assert answer.headers["content-type"] == "video/mp4"


async def test_too_many_ranges_make_no_work(house: House, video: str) -> None:
    header = "bytes=" + ",".join(f"{at}-{at}" for at in range(0, 200_000, 1000))
    answer = await web(house, video, range=header)
    assert (answer.status, answer.body) == (200, WEB.data)


async def test_ranges_that_all_lie_behind_the_end(house: House, video: str) -> None:
    with pytest.raises(OutOfRange) as refusal:
        await web(house, video, range=f"bytes={SIZE}-,{SIZE + 5}-{SIZE + 9},-0")
    assert refusal.value.metadata == {"http-header-content-range": f"bytes */{SIZE}"}


async def test_a_file_that_is_known_says_nothing_but_how_it_is_kept(
    house: House, video: str
) -> None:
    stored = (await web(house, video)).headers["last-modified"]
    for asked in ({"if_none_match": WEB.etag}, {"if_modified_since": stored}):
        answer = await web(house, video, **asked)
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers == {"etag": WEB.etag, "cache-control": "private, no-cache"}


async def test_dates_work_where_there_are_no_tags(house: House, video: str) -> None:
    stored = (await web(house, video)).headers["last-modified"]
    earlier = format_datetime(parsedate_to_datetime(stored) - timedelta(seconds=1), usegmt=True)
    assert (await web(house, video, if_modified_since=earlier)).status == 200
    assert (await web(house, video, if_modified_since=stored, if_none_match='"x"')).status == 200
    assert (await web(house, video, range="bytes=0-1", if_range=stored)).status == 206
    assert (await web(house, video, range="bytes=0-1", if_range=earlier)).status == 200
    assert (await web(house, video, if_unmodified_since=stored)).status == 200
    with pytest.raises(WrongState) as refusal:
        await web(house, video, if_unmodified_since=earlier)
    assert refusal.value.reason == "PreconditionFailedException"
    assert refusal.value.metadata == {"http-status": "412"}


async def test_only_the_file_that_is_wanted_is_sent(house: House, video: str) -> None:
    assert (await web(house, video, if_match=f'"x", {WEB.etag}', range="bytes=0-1")).status == 206
    for other in ('"x"', f"W/{WEB.etag}"):
        with pytest.raises(WrongState):
            await web(house, video, if_match=other, range="bytes=0-1")


async def test_a_new_file_in_the_place_of_another_ends_a_resumed_download(
    house: House, video: str
) -> None:
    begun = await web(house, video, range="bytes=0-9")
    newer = Preview("film.mp4", "video/mp4", b"another film")
    role = internal_pb2.ROLE_WEB_VIDEO
    await add_previews(house, video, {**PREVIEWS, role: newer}, attempt=2)
    resumed = await web(house, video, range="bytes=10-", if_range=begun.headers["etag"])
    assert (resumed.status, resumed.body) == (200, newer.data)


async def test_what_cannot_be_read_is_a_plain_error(house: House, video: str) -> None:
    for path in house.folder.rglob("role_web_video"):
        path.unlink()
    for header in ("", "bytes=0-1", "bytes=0-1,1000-1001"):
        with pytest.raises(NotFound):
            await web(house, video, range=header)


@pytest.mark.parametrize(
    ("asked", "lent"),
    [
        ("", (0, LARGE_SIZE)),
        ("bytes=5-", (5, LARGE_SIZE)),
        ("bytes=0-1048575", (0, 2**20)),
        ("bytes=0-1048574", None),
        ("bytes=0-1,2000000-4000000", None),
    ],
)
async def test_much_of_a_file_in_a_folder_may_be_read_there(
    house: House, asked: str, lent: tuple[int, int] | None
) -> None:
    video_id = house.catalogue.add()
    content = os.urandom(LARGE_SIZE)
    await house.upload(video_id, [content])
    answer = await house.download(video_id, range=asked)
    if lent is None:
        assert answer.lent is None
        return
    assert answer.lent
    descriptor = answer.lent.borrow()
    assert descriptor is not None
    read = b"".join([chunk async for chunk in answer.lent.read(descriptor)])
    os.close(descriptor)
    # Who does not see the file is sent the same.
    assert read == answer.body == content[slice(*lent)]
