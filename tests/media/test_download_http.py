"""Downloads and links as HTTP clients see them: the gateway and the media service, over sockets."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import urljoin

import httpx
import pytest
import structlog
from structlog.typing import EventDict

from services.media.actions import links
from tests.kit.waiting import wait_for_async
from tests.media.house import House, bearer
from tests.media.previews import BOARD, INDEX, LARGE, SMALL, WEB, Preview, add_previews

ORIGINAL = b"0123456789" * 1000
EVERY = [
    ("screenshot/small", SMALL),
    ("thumbnail/small", SMALL),
    ("screenshot/large", LARGE),
    ("thumbnail/large", LARGE),
    ("web", WEB),
    ("storyboard", BOARD),
]
PAGE = {"origin": "https://player.example"}


@pytest.fixture
async def member(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a token of the team."""
    async with httpx.AsyncClient(base_url=f"{url}/media/v1", headers=dict(bearer())) as client:
        yield client


@pytest.fixture
async def anyone(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token."""
    async with httpx.AsyncClient(base_url=url) as client:
        yield client


@pytest.fixture
async def video(house: House) -> str:
    """A video with an original and all previews."""
    video_id = house.catalogue.add()
    await house.upload(video_id, [ORIGINAL])
    await add_previews(house, video_id)
    return video_id


async def link(member: httpx.AsyncClient, url: str, video_id: str, file: str = "web") -> str:
    """Make a link and return where this gateway serves it."""
    answer = await member.post(f"/link/{video_id}", json={"file": file})
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"url", "expiresAt"}
    made: str = answer.json()["url"]
    return made.replace("https://media.example", url)


@pytest.mark.parametrize(("path", "preview"), EVERY)
async def test_every_file_by_get_and_head(
    member: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
    url: str,
    video: str,
    path: str,
    preview: Preview,
) -> None:
    target = f"/download/{path}/{video}"
    answer = await member.get(target)
    assert (answer.status_code, answer.content) == (200, preview.data)
    assert answer.headers["content-type"] == preview.content_type
    head = await member.head(target)
    assert (head.status_code, head.content) == (200, b"")
    changing = ("date", "x-request-id")
    assert {name: value for name, value in head.headers.items() if name not in changing} == {
        name: value for name, value in answer.headers.items() if name not in changing
    }
    refused = await anyone.get(f"{url}/media/v1{target}")
    assert refused.status_code == 401


async def test_head_knows_no_ranges_but_conditions(member: httpx.AsyncClient, video: str) -> None:
    head = await member.head(f"/download/original/{video}", headers={"range": "bytes=0-1"})
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(ORIGINAL)))
    assert "content-range" not in head.headers
    etag = {"if-none-match": head.headers["etag"]}
    assert (await member.head(f"/download/original/{video}", headers=etag)).status_code == 304


async def test_several_ranges_are_mime(member: httpx.AsyncClient, video: str) -> None:
    asked = {"range": "bytes=9000-9004, 0-4,-5"}
    answer = await member.get(f"/download/original/{video}", headers=asked)
    assert answer.status_code == 206
    assert int(answer.headers["content-length"]) == len(answer.content)
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    parts = parts_of(head + answer.content)
    assert [part.get_content_type() for part in parts] == ["video/mp4"] * 3
    ranges = ["bytes 9000-9004/10000", "bytes 0-4/10000", "bytes 9995-9999/10000"]
    assert [part["content-range"] for part in parts] == ranges
    assert [part.get_payload(decode=True) for part in parts] == [b"01234", b"01234", b"56789"]


def parts_of(message: bytes) -> list[MIMEPart]:
    """Take a MIME message to pieces."""
    return list(BytesParser(EmailMessage, policy=HTTP).parsebytes(message).iter_parts())


async def test_conditions_that_fail_say_so(member: httpx.AsyncClient, video: str) -> None:
    target = f"/download/original/{video}"
    whole = await member.get(target)
    same = await member.get(target, headers={"if-modified-since": whole.headers["last-modified"]})
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["etag"] == whole.headers["etag"]
    assert not {"content-type", "content-length", "last-modified"} & same.headers.keys()
    other = await member.get(target, headers={"if-match": '"other"'})
    assert other.status_code == 412
    assert other.json()["exception"] == "PreconditionFailedException"
    behind = await member.get(target, headers={"range": "bytes=10000-"})
    assert (behind.status_code, behind.headers["content-range"]) == (416, "bytes */10000")
    assert behind.json()["exception"] == "RangeNotSatisfiableException"


async def test_a_storyboard_is_two_files_in_one_place(
    member: httpx.AsyncClient, video: str
) -> None:
    index = await member.get(f"/download/storyboard/{video}/storyboard.vtt")
    assert (index.content, index.headers["content-type"]) == (INDEX.data, "text/vtt")
    cue = next(line for line in index.text.splitlines() if "#xywh=" in line)
    assert (await member.get(urljoin(str(index.url), cue))).content == BOARD.data


async def test_a_screenshot_has_two_sizes(member: httpx.AsyncClient, video: str) -> None:
    answer = await member.get(f"/download/screenshot/medium/{video}")
    assert answer.status_code == 400
    assert "size" in answer.json()["errorMessage"]


async def test_a_link_needs_no_token(
    member: httpx.AsyncClient, anyone: httpx.AsyncClient, url: str, video: str
) -> None:
    where = await link(member, url, video)
    answer = await anyone.get(where)
    assert (answer.status_code, answer.content) == (200, WEB.data)
    head = await anyone.head(where)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(WEB.data)))
    part = await anyone.get(where, headers={"range": "bytes=-5"})
    assert (part.status_code, part.content) == (206, WEB.data[-5:])
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_pages_of_any_site_follow_links(
    member: httpx.AsyncClient, anyone: httpx.AsyncClient, url: str, video: str
) -> None:
    where = await link(member, url, video)
    asks = {"access-control-request-method": "GET", "access-control-request-headers": "range"}
    preflight = await anyone.options(where, headers=PAGE | asks)
    assert preflight.status_code == 204
    assert "range" in preflight.headers["access-control-allow-headers"]
    part = await anyone.get(where, headers=PAGE | {"range": "bytes=0-1"})
    assert "content-range" in part.headers["access-control-expose-headers"]
    missing = await anyone.get(f"{where}x", headers=PAGE)
    behind = await anyone.get(where, headers=PAGE | {"range": "bytes=99999999-"})
    statuses = [each.status_code for each in (part, missing, behind)]
    assert statuses == [206, 404, 416]
    for each in (preflight, part, missing, behind):
        assert each.headers["access-control-allow-origin"] == "*"
    made = await member.post(f"/link/{video}", json={"file": "web"}, headers=PAGE)
    assert "access-control-allow-origin" not in made.headers


async def test_a_player_finds_the_pictures_of_a_linked_storyboard(
    member: httpx.AsyncClient, anyone: httpx.AsyncClient, url: str, video: str
) -> None:
    index = await anyone.get(await link(member, url, video, "storyboard"))
    assert str(index.url).endswith("/storyboard.vtt")
    cue = next(line for line in index.text.splitlines() if "#xywh=" in line)
    assert (await anyone.get(urljoin(str(index.url), cue))).content == BOARD.data


async def test_links_that_are_over_or_made_up_say_so(
    member: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
    url: str,
    video: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    where = await link(member, url, video)
    for wrong in (where.replace("web_video", "original"), f"{where}x", f"{where}/x"):
        assert (await anyone.get(wrong)).status_code == 404
    monkeypatch.setattr(links, "now", lambda: datetime.max.replace(tzinfo=UTC))
    expired = await anyone.get(where)
    assert expired.status_code == 403
    assert expired.json()["exception"] == "LinkExpiredException"


@pytest.mark.parametrize(
    "body", [{}, {"file": "all"}, {"file": "web", "expiresInSeconds": 604_801}, {"files": "web"}]
)
async def test_a_link_to_what_and_for_how_long(
    member: httpx.AsyncClient, video: str, body: dict[str, object]
) -> None:
    answer = await member.post(f"/link/{video}", json=body)
    assert answer.status_code == 400
    assert (list(body) or ["file"])[-1] in answer.json()["errorMessage"]


async def test_no_log_can_be_used_as_a_link(
    member: httpx.AsyncClient, anyone: httpx.AsyncClient, url: str, video: str
) -> None:
    where = await link(member, url, video)
    seal = where.rsplit("/", 2)[1].rsplit(".", 1)[1]
    with structlog.testing.capture_logs() as lines:
        for target in (where, f"{where}/nothing", where.rsplit("/", 1)[0]):
            await anyone.get(target)
        # The gateway writes its line when it is done, and that is after the last byte.
        await wait_for_async(lambda: len(requests(lines)) == 3, what="a line for each request")
    asked = [line["path"] for line in requests(lines)]
    assert all(path.startswith("/media/v1/link/web_video.") for path in asked)
    assert seal[:8] not in str(lines)


def requests(lines: Sequence[EventDict]) -> list[EventDict]:
    """Those lines that tell of a request."""
    return [line for line in lines if line["event"] == "request"]
