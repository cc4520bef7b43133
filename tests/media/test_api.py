"""Uploads and downloads, over gRPC with the real interceptors."""

import hashlib
from pathlib import Path

import pytest
from google.api.httpbody_pb2 import HttpBody

from services.chassis.errors import (
    Forbidden,
    Invalid,
    NotFound,
    OutOfRange,
    TooLarge,
    Unauthenticated,
    WrongState,
)
from tests.media.house import OTHER_TEAM, House, answer_of, bearer, open_house
from vitascope.media.v1 import internal_pb2, media_pb2

BYTES = bytes(range(256)) * 10_000
PIECES = [BYTES[:1_000_000], BYTES[1_000_000:2_000_000], BYTES[2_000_000:]]
ETAG = f'"{hashlib.sha256(BYTES).hexdigest()}"'


@pytest.fixture
async def video(house: House) -> str:
    """A video whose original is BYTES."""
    video_id = house.catalogue.add(project_id="project-1")
    await house.upload(video_id, PIECES)
    return video_id


async def test_an_upload_says_what_to_do_next(house: House) -> None:
    video_id = house.catalogue.add(project_id="project-1")
    answer = await house.upload(video_id, PIECES)
    assert answer == media_pb2.UploadMediaResponse(
        project_id="project-1",
        video_id=video_id,
        check_ingest_progress_url=f"https://media.example/videos/v1/check-ingest-video-progress/{video_id}",
        process_video_url=f"https://media.example/videos/v1/process-video/{video_id}",
    )


async def test_a_video_outside_of_projects_has_no_project_id(house: House) -> None:
    answer = await house.upload(house.catalogue.add(), PIECES)
    assert not answer.HasField("project_id")


async def test_an_upload_is_told_as_it_goes(house: House, video: str) -> None:
    started, stored = await house.events()
    assert started.WhichOneof("happening") == "upload_started"
    media = stored.media_stored.media
    assert (media.video_id, media.role) == (video, internal_pb2.ROLE_ORIGINAL)
    assert (media.size, f'"{media.sha256}"') == (len(BYTES), ETAG)
    assert (media.file_name, media.content_type, media.light) == ("clip.mp4", "video/mp4", False)
    assert video not in media.storage_key
    assert house.objects() == [media.storage_key]


async def test_a_light_upload_is_marked(house: House) -> None:
    await house.upload(house.catalogue.add(), PIECES, light=True)
    assert (await house.events())[-1].media_stored.media.light


async def test_the_name_of_a_file_is_kept_and_never_a_path(house: House) -> None:
    video_id = house.catalogue.add()
    await house.upload(video_id, PIECES, file_name='../../etc/Søren "a\r\nb".mov', content_type="")
    answer = await house.download(video_id)
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"S_ren _ab_.mov\"; filename*=UTF-8''S%C3%B8ren%20%22ab%22.mov"
    )
    assert answer.content_type == "video/quicktime"


@pytest.mark.parametrize("pieces", [[], [b""]])
async def test_an_upload_without_bytes_is_refused(house: House, pieces: list[bytes]) -> None:
    with pytest.raises(Invalid) as refusal:
        await house.upload(house.catalogue.add(), pieces)
    assert [violation.field for violation in refusal.value.violations] == ["file"]
    assert await house.rows() == 0
    assert await house.events() == []


async def test_a_second_upload_is_refused(house: House, video: str) -> None:
    with pytest.raises(WrongState) as refusal:
        await house.upload(video, [b"other"])
    assert refusal.value.reason == "AlreadyUploadedException"
    assert (await house.download(video)).body == BYTES
    assert await house.happenings() == ["upload_started", "media_stored"]


async def test_a_processed_video_takes_no_upload(house: House) -> None:
    with pytest.raises(WrongState):
        await house.upload(house.catalogue.add(parent_id="another"), PIECES)
    assert await house.rows() == 0


async def test_too_large_an_upload_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    async with open_house(tmp_path, max_upload_bytes=1_500_000) as house:
        with pytest.raises(Invalid) as refusal:
            await house.upload(house.catalogue.add(), PIECES)
        assert refusal.value.reason == TooLarge.reason
        assert await house.happenings() == ["upload_started", "upload_abandoned"]
        await house.is_empty()


async def test_another_teams_video_does_not_exist(house: House, video: str) -> None:
    with pytest.raises(NotFound) as of_upload:
        await house.upload(house.catalogue.add(), PIECES, team=OTHER_TEAM)
    with pytest.raises(NotFound) as of_download:
        await house.download(video, team=OTHER_TEAM)
    with pytest.raises(NotFound) as of_unknown:
        await house.download("unknown")
    assert of_download.value.message.replace(video, "X") == of_unknown.value.message.replace(
        "unknown", "X"
    )
    assert of_upload.value.reason == of_download.value.reason == of_unknown.value.reason


async def test_downloads_need_a_token(house: House, video: str) -> None:
    request = media_pb2.DownloadOriginalRequest(video_id=video)
    with pytest.raises((Unauthenticated, Forbidden)):
        await answer_of(house.media.DownloadOriginal(request))


async def test_a_download_is_the_upload(house: House, video: str) -> None:
    answer = await house.download(video)
    assert (answer.status, answer.body, answer.content_type) == (200, BYTES, "video/mp4")
    assert answer.headers.pop("last-modified").endswith(" GMT")
    assert answer.headers == {
        "etag": ETAG,
        "accept-ranges": "bytes",
        "content-length": str(len(BYTES)),
        "content-type": "video/mp4",
        "cache-control": "private, no-cache",
        "content-disposition": "attachment; filename=\"clip.mp4\"; filename*=UTF-8''clip.mp4",
        "content-security-policy": "default-src 'none'; media-src 'self'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
    }


async def test_headers_come_before_the_body(house: House, video: str) -> None:
    """The gateway answers HEAD by leaving after the headers."""
    request = media_pb2.DownloadOriginalRequest(video_id=video)
    call = house.media.DownloadOriginal(request, metadata=bearer())
    metadata = dict(await call.initial_metadata())
    call.cancel()
    assert metadata["http-header-content-length"] == str(len(BYTES))
    assert (await house.download(video)).body == BYTES


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=5-", 5, len(BYTES)),
        ("bytes=-7", len(BYTES) - 7, len(BYTES)),
        ("bytes=-99999999", 0, len(BYTES)),
        ("bytes=1048570-1048590", 1048570, 1048591),
        ("bytes=2559999-99999999", 2_559_999, len(BYTES)),
    ],
)
async def test_a_range_is_sent(house: House, video: str, header: str, start: int, end: int) -> None:
    answer = await house.download(video, range=header)
    assert (answer.status, answer.body) == (206, BYTES[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(BYTES)}"
    assert answer.headers["content-length"] == str(end - start)


@pytest.mark.parametrize("header", ["bytes=3-1", "bytes=a-b", "lines=1-2", "bytes=0-1,6-5", "-"])
async def test_a_range_that_is_none_gives_the_whole(house: House, video: str, header: str) -> None:
    answer = await house.download(video, range=header)
    assert (answer.status, answer.body) == (200, BYTES)
    assert "content-range" not in answer.headers


async def test_a_range_behind_the_end_says_how_long_the_file_is(house: House, video: str) -> None:
    with pytest.raises(OutOfRange) as refusal:
        await house.download(video, range=f"bytes={len(BYTES)}-")
    assert refusal.value.metadata == {"http-header-content-range": f"bytes */{len(BYTES)}"}


@pytest.mark.parametrize("header", [ETAG, f"W/{ETAG}", f'"other", {ETAG}', "*"])
async def test_a_known_file_is_not_sent_again(house: House, video: str, header: str) -> None:
    answer = await house.download(video, if_none_match=header, range="bytes=0-1")
    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", ETAG)


async def test_headers_never_travel_without_a_message(house: House, video: str) -> None:
    # The end of a call may overtake headers that nothing follows.
    request = media_pb2.DownloadOriginalRequest(video_id=video, if_none_match="*")
    call = house.media.DownloadOriginal(request, metadata=bearer())
    assert [body async for body in call] == [HttpBody()]


async def test_another_etag_gets_the_file(house: House, video: str) -> None:
    answer = await house.download(video, if_none_match='"other"')
    assert (answer.status, answer.body) == (200, BYTES)


@pytest.mark.parametrize(("header", "status"), [(ETAG, 206), (f"W/{ETAG}", 200), ('"old"', 200)])
async def test_a_range_of_another_file_is_not_sent(
    house: House, video: str, header: str, status: int
) -> None:
    answer = await house.download(video, range="bytes=0-1", if_range=header)
    assert answer.status == status


async def test_nothing_is_there_before_the_upload(house: House) -> None:
    with pytest.raises(NotFound) as refusal:
        await house.download(house.catalogue.add())
    assert refusal.value.reason == "MediaNotFoundException"


async def test_the_suite_can_ask_for_an_original(house: House, video: str) -> None:
    ask = internal_pb2.GetMediaRequest(video_id=video, role=internal_pb2.ROLE_ORIGINAL)
    media = (await house.call("GetMedia", ask)).media
    assert media == (await house.events())[-1].media_stored.media
    with pytest.raises(NotFound):
        await house.call(
            "GetMedia",
            internal_pb2.GetMediaRequest(video_id=video, role=internal_pb2.ROLE_PROCESSED),
        )
    with pytest.raises(Invalid):
        await house.call("GetMedia", internal_pb2.GetMediaRequest(video_id=video))
