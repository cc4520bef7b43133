"""Uploads in several requests, as tus 1.0 writes them down."""

import asyncio
import hashlib
import os
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from services.chassis.database import now
from services.chassis.errors import Unavailable
from services.media.actions.resumable_request import Request
from tests.media.house import OTHER_TEAM, bearer, until
from tests.media.tus import BYTES, TUS, Desk, metadata, open_desk

MIB = 2**20
CONTENT = os.urandom(3 * MIB + 17)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as desk:
        yield desk


async def test_the_server_says_what_it_takes(desk: Desk) -> None:
    for address in (desk.address, f"{desk.address}/any"):
        async with httpx.AsyncClient() as anyone:
            answer = await anyone.options(address)
        assert answer.status_code == 204
        assert answer.headers["tus-version"] == answer.headers["tus-resumable"] == "1.0.0"
        assert set(answer.headers["tus-extension"].split(",")) == {
            "creation",
            "creation-with-upload",
            "termination",
            "checksum",
            "expiration",
        }
        algorithms = answer.headers["tus-checksum-algorithm"].split(",")
        assert {"sha1", "sha256", "md5"} <= set(algorithms)
        assert int(answer.headers["tus-max-size"]) == 2**40


async def test_a_file_in_three_requests_is_the_videos(desk: Desk) -> None:
    video_id = desk.house.catalogue.add()
    address = await desk.create(video_id, len(CONTENT))
    assert address.startswith(f"{desk.address}/")
    for start, end in ((0, MIB), (MIB, 2 * MIB + 5), (2 * MIB + 5, len(CONTENT))):
        assert await desk.offset(address) == start
        answer = await desk.patch(address, start, CONTENT[start:end])
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["upload-offset"] == str(end)
        assert answer.headers["tus-resumable"] == "1.0.0"
        expires = parsedate_to_datetime(answer.headers["upload-expires"])
        assert timedelta(hours=23) < expires - now() < timedelta(hours=25)
    # A client whose last answer was lost asks again.
    assert await desk.offset(address) == len(CONTENT)
    assert (await desk.patch(address, len(CONTENT), b"")).status_code == 204
    got = await desk.house.download(video_id)
    assert got.body == CONTENT
    assert got.headers["etag"].strip('"') == hashlib.sha256(CONTENT).hexdigest()
    assert "reel 1.mov" in got.headers["content-disposition"]
    assert await desk.house.happenings() == ["upload_started", "media_stored"]
    assert len(desk.house.objects()) == 1


async def test_what_is_said_of_an_upload(desk: Desk) -> None:
    video_id = desk.house.catalogue.add()
    address = await desk.create(video_id, 10)
    head = await desk.client.head(address, headers=TUS)
    assert head.headers["upload-length"] == "10"
    assert head.headers["cache-control"] == "no-store"
    assert head.headers["upload-metadata"] == metadata(videoId=video_id, filename="reel 1.mov")
    told = (await desk.client.get(address)).json()
    assert (told["videoId"], told["uploadOffset"], told["uploadLength"]) == (video_id, 0, 10)


async def test_bytes_that_come_with_the_creation(desk: Desk) -> None:
    video_id = desk.house.catalogue.add()
    headers = {
        **BYTES,
        "upload-length": str(len(CONTENT)),
        "upload-metadata": metadata(videoId=video_id, light="true", filetype="video/x-test"),
    }
    answer = await desk.client.post(desk.address, headers=headers, content=CONTENT[:100])
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, "100")
    address = answer.headers["location"]
    assert (await desk.patch(address, 100, CONTENT[100:])).status_code == 204
    [_, event] = await desk.house.events()
    media = event.media_stored.media
    assert (media.light, media.content_type, media.file_name) == (True, "video/x-test", "upload")


async def test_a_patch_by_post(desk: Desk) -> None:
    address = await desk.create(desk.house.catalogue.add(), 5)
    headers = {**BYTES, "upload-offset": "0", "x-http-method-override": "PATCH"}
    answer = await desk.client.post(address, headers=headers, content=b"hello")
    assert (answer.status_code, answer.headers["upload-offset"]) == (204, "5")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
async def test_checksums(desk: Desk, algorithm: str) -> None:
    video_id = desk.house.catalogue.add()
    address = await desk.create(video_id, 8)
    digest = b64encode(hashlib.new(algorithm, b"good").digest()).decode()
    sum_of_good = {"upload-checksum": f"{algorithm} {digest}"}
    assert (await desk.patch(address, 0, b"good", **sum_of_good)).status_code == 204
    damaged = await desk.patch(address, 4, b"evil", **sum_of_good)
    assert damaged.status_code == 460
    assert damaged.json()["exception"] == "ChecksumMismatchException"
    assert damaged.headers["tus-resumable"] == "1.0.0"
    assert await desk.offset(address) == 4
    assert (await desk.patch(address, 4, b"good", **sum_of_good)).status_code == 204
    assert (await desk.house.download(video_id)).body == b"goodgood"


async def test_refusals(desk: Desk) -> None:
    video_id = desk.house.catalogue.add()
    address = await desk.create(video_id, 10)
    old = await desk.client.patch(address, headers={**BYTES, "tus-resumable": "0.2.2"})
    assert (old.status_code, old.headers["tus-version"]) == (412, "1.0.0")
    plain = await desk.patch(address, 0, b"x", **{"content-type": "video/mp4"})
    assert plain.status_code == 415
    wrong = await desk.patch(address, 3, b"x")
    assert (wrong.status_code, wrong.headers["upload-offset"]) == (409, "0")
    assert (await desk.client.patch(address, headers=BYTES)).status_code == 400
    much = await desk.patch(address, 0, b"x" * 11)
    assert (much.status_code, await desk.offset(address)) == (413, 0)
    odd = await desk.patch(address, 0, b"x", **{"upload-checksum": "crc32 AAAA"})
    assert odd.status_code == 400
    assert (await desk.patch(f"{desk.address}/{'0' * 32}", 0, b"x")).status_code == 404
    foreign = dict(bearer(OTHER_TEAM))
    assert (await desk.client.head(address, headers={**TUS, **foreign})).status_code == 404
    assert (await desk.client.delete(address, headers={**TUS, **foreign})).status_code == 404
    for answer in (old, plain, wrong, much, odd):
        assert answer.headers["tus-resumable"] == "1.0.0"


async def test_refused_creations(desk: Desk) -> None:
    catalogue = desk.house.catalogue
    made, taken = catalogue.add(parent_id="original"), catalogue.add()
    await desk.house.upload(taken, [b"here"])
    fresh = catalogue.add()
    cases = [
        (404, {"upload-metadata": metadata(videoId="nothing")}),
        (409, {"upload-metadata": metadata(videoId=made)}),
        (409, {"upload-metadata": metadata(videoId=taken)}),
        (400, {"upload-metadata": metadata(filename="a.mov")}),
        (400, {"upload-metadata": "videoId !!!"}),
        (400, {"upload-metadata": metadata(videoId=fresh), "upload-length": "0"}),
        (400, {"upload-metadata": metadata(videoId=fresh), "upload-length": "-5"}),
        (400, {"upload-metadata": metadata(videoId=fresh), "upload-length": "many"}),
        (400, {"upload-metadata": metadata(videoId=fresh), "upload-defer-length": "1"}),
        (413, {"upload-metadata": metadata(videoId=fresh), "upload-length": str(2**41)}),
        (412, {"upload-metadata": metadata(videoId=fresh), "tus-resumable": "2.0.0"}),
    ]
    for status, headers in cases:
        answer = await desk.client.post(
            desk.address, headers={**TUS, "upload-length": "10", **headers}
        )
        assert answer.status_code == status, (headers, answer.text)
    assert await desk.house.happenings() == ["upload_started", "media_stored"]


async def test_a_creation_whose_answer_was_lost_can_be_repeated(desk: Desk) -> None:
    video_id = desk.house.catalogue.add()
    lost = await desk.create(video_id, 10)
    address = await desk.create(video_id, 10)
    assert (await desk.client.head(lost, headers=TUS)).status_code == 404
    assert (await desk.patch(address, 0, b"01234")).status_code == 204
    headers = {**TUS, "upload-length": "10", "upload-metadata": metadata(videoId=video_id)}
    answer = await desk.client.post(desk.address, headers=headers)
    assert answer.status_code == 409
    assert address.rpartition("/")[2] in answer.json()["errorMessage"]


async def test_ending_an_upload_frees_its_video(desk: Desk) -> None:
    video_id = desk.house.catalogue.add()
    address = await desk.create(video_id, 10)
    await desk.patch(address, 0, b"01234")
    assert (await desk.client.delete(address, headers=TUS)).status_code == 204
    assert (await desk.client.head(address, headers=TUS)).status_code == 404
    await desk.house.is_empty()
    assert await desk.house.happenings() == ["upload_started", "upload_abandoned"]
    address = await desk.create(video_id, 4)
    await desk.patch(address, 0, b"good")
    whole = await desk.client.delete(address, headers=TUS)
    assert (whole.status_code, whole.json()["exception"]) == (409, "UploadIsWholeException")


async def test_uploads_expire(desk: Desk) -> None:
    video_id = desk.house.catalogue.add()
    address = await desk.create(video_id, 10)
    await desk.patch(address, 0, b"01234")
    await desk.house.age_rows(timedelta(hours=1))
    await desk.house.uploads.keep_alive()
    await desk.age(timedelta(hours=23))
    await desk.house.endings.expire()
    assert await desk.offset(address) == 5
    await desk.age(timedelta(hours=25))
    assert (await desk.client.head(address, headers=TUS)).status_code == 410
    assert (await desk.patch(address, 5, b"56789")).status_code == 410
    await desk.house.endings.expire()
    assert (await desk.client.head(address, headers=TUS)).status_code == 404
    await desk.house.is_empty()
    assert await desk.house.happenings() == ["upload_started", "upload_abandoned"]


async def test_a_request_that_breaks_off_keeps_all_that_came(desk: Desk) -> None:
    video_id = desk.house.catalogue.add()
    address = await desk.create(video_id, len(CONTENT))
    cut = 2 * MIB + 12_345
    await broken_patch(desk, address, CONTENT[:cut])

    async def all_of_it() -> bool:
        return await desk.offset(address) == cut

    await until(all_of_it)
    assert (await desk.patch(address, cut, CONTENT[cut:])).status_code == 204
    got = await desk.house.download(video_id)
    assert got.headers["etag"].strip('"') == hashlib.sha256(CONTENT).hexdigest()


async def test_a_newer_request_ends_the_one_that_still_runs(desk: Desk) -> None:
    """As after a client has changed networks: its old connection is dead and nobody knows yet."""
    video_id = desk.house.catalogue.add()
    address = await desk.create(video_id, len(CONTENT))
    _, writer = await half_patch(desk, address, CONTENT[: 2 * MIB])
    offset = await desk.offset(address)  # answered while the other runs

    async def goes_on() -> bool:
        nonlocal offset
        answer = await desk.patch(address, offset, CONTENT[offset:])
        if answer.status_code == 409:
            offset = await desk.offset(address)
        return answer.status_code == 204

    await until(goes_on)
    assert offset >= MIB
    assert (await desk.house.download(video_id)).body == CONTENT
    writer.close()


async def test_an_upload_outlasts_the_service(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        catalogue = desk.house.catalogue
        video_id = catalogue.add()
        address = await desk.create(video_id, len(CONTENT))
        await desk.patch(address, 0, CONTENT[:MIB])
    async with open_desk(tmp_path, catalogue=catalogue) as desk:
        address = f"{desk.address}/{address.rpartition('/')[2]}"
        assert await desk.offset(address) == MIB
        assert (await desk.patch(address, MIB, CONTENT[MIB:])).status_code == 204

        async def stored() -> bool:
            return (await desk.house.happenings())[-1:] == ["media_stored"]

        await until(stored)
        got = await desk.house.download(video_id)
        assert got.body == CONTENT
        assert got.headers["etag"].strip('"') == hashlib.sha256(CONTENT).hexdigest()


async def test_a_bucket_holds_uploads_between_requests_and_processes(
    tmp_path: Path, s3_url: str
) -> None:
    content = os.urandom(17 * MIB)
    async with open_desk(tmp_path, storage_url=s3_url) as desk:
        catalogue = desk.house.catalogue
        video_id = catalogue.add()
        address = await desk.create(video_id, len(content))
        for start, end in ((0, 1000), (1000, 6 * MIB), (6 * MIB, 12 * MIB + 1)):
            answer = await desk.patch(address, start, content[start:end])
            assert answer.headers["upload-offset"] == str(end)
    async with open_desk(tmp_path, catalogue=catalogue, storage_url=s3_url) as desk:
        address = f"{desk.address}/{address.rpartition('/')[2]}"
        assert (await desk.patch(address, end, content[end:])).status_code == 204

        async def stored() -> bool:
            return (await desk.house.happenings())[-1:] == ["media_stored"]

        await until(stored)
        assert (await desk.house.download(video_id)).body == content


async def test_what_was_not_kept_when_the_process_died_counts_for_nothing(desk: Desk) -> None:
    address = await desk.create(desk.house.catalogue.add(), 10)
    await desk.patch(address, 0, b"01234")
    [part] = desk.house.objects()
    with (desk.house.folder / part).open("ab") as file:
        file.write(b"half a page that no row knows of")
    assert await desk.offset(address) == 5
    assert (await desk.patch(address, 5, b"56789")).status_code == 204
    assert [(desk.house.folder / key).read_bytes() for key in desk.house.objects()] == [
        b"0123456789"
    ]


async def test_a_process_that_died_after_the_last_byte(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The object is there and no row says so: the client goes on, and needs to send no more."""
    video_id = desk.house.catalogue.add()
    address = await desk.create(video_id, 10)
    await desk.patch(address, 0, b"01234")

    async def die(self: Request) -> None:
        raise Unavailable("as if killed")

    with monkeypatch.context() as patch:
        patch.setattr(Request, "_make_whole", die)
        assert (await desk.patch(address, 5, b"56789")).status_code == 503
    assert await desk.offset(address) == 5
    answer = await desk.patch(address, 5, b"56789")
    assert (answer.status_code, answer.headers["upload-offset"]) == (204, "10")

    async def stored() -> bool:
        return (await desk.house.happenings())[-1:] == ["media_stored"]

    await until(stored)
    assert (await desk.house.download(video_id)).body == b"0123456789"


async def test_the_video_goes_while_its_upload_rests(desk: Desk) -> None:
    video_id = desk.house.catalogue.add()
    address = await desk.create(video_id, 10)
    await desk.patch(address, 0, b"01234")
    async with desk.house.backends.database.transaction() as tx:
        await desk.house.upkeep.forget_video(tx, video_id)
    assert (await desk.patch(address, 5, b"56789")).status_code == 404
    await desk.house.is_empty()


async def half_patch(
    desk: Desk, address: str, content: bytes
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a PATCH of which only the first bytes come, and wait until the service has them."""
    url = httpx.URL(address)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    headers = {**BYTES, **dict(bearer()), "upload-offset": "0", "host": "desk"}
    headers["content-length"] = str(len(CONTENT))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"PATCH {url.path} HTTP/1.1\r\n{lines}\r\n".encode() + content)
    await writer.drain()

    async def has_come() -> bool:
        objects = desk.house.objects()
        sizes = [(desk.house.folder / key).stat().st_size for key in objects]
        return sum(sizes) >= len(content) // MIB * MIB

    await until(has_come)
    return reader, writer


async def broken_patch(desk: Desk, address: str, content: bytes) -> None:
    """Send a PATCH whose connection breaks after some bytes."""
    _, writer = await half_patch(desk, address, content)
    writer.close()
