"""Links: who holds one may fetch one file for a while, and nothing else."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from services.chassis.database import now
from services.chassis.errors import (
    Forbidden,
    Invalid,
    NotFound,
    OutOfRange,
    Unauthenticated,
    WrongState,
)
from services.media.actions import links
from services.media.model.files import FileNotStored, Role
from services.media.model.links import Grant
from tests.media.house import OTHER_TEAM, TEAM, Answer, House, answer_of, bearer, named, open_house
from tests.media.previews import BOARD, INDEX, LARGE, SMALL, WEB, Preview, add_previews
from vitascope.media.v1 import media_pb2

KEY = b"k" * 32
VIDEO = "6f0e8a3c-9d2b-4f5e-8a7b-1c2d3e4f5a6b"
FILES = {
    "screenshot/small": SMALL,
    "screenshot/large": LARGE,
    "web": WEB,
    "storyboard": INDEX,
}


@pytest.fixture
async def video(house: House) -> str:
    """A video with an original and all previews."""
    video_id = house.catalogue.add()
    await house.upload(video_id, [b"original"])
    await add_previews(house, video_id)
    return video_id


async def linked(
    house: House, video_id: str, file: str = "web", *, team: str = TEAM, **asked: int
) -> Any:
    """Make a link."""
    request = media_pb2.CreateLinkRequest(video_id=video_id, file=file, **asked)
    return await named(house.media.CreateLink(request, metadata=bearer(team)))


async def followed(house: House, url: str, **asked: str) -> Answer:
    """Fetch what a link leads to, without a token."""
    *_, grant, name = urlsplit(url).path.split("/")
    request = media_pb2.DownloadLinkedRequest(grant=grant, file_name=unquote(name), **asked)
    return await answer_of(house.media.DownloadLinked(request))


@pytest.mark.parametrize(("file", "preview"), FILES.items())
async def test_whoever_holds_a_link_gets_the_file(
    house: House, video: str, file: str, preview: Preview
) -> None:
    url = (await linked(house, video, file)).url
    assert url.startswith("https://media.example/media/v1/link/")
    assert unquote(url.rsplit("/", 1)[1]) == preview.file_name
    answer = await followed(house, url)
    assert (answer.status, answer.body) == (200, preview.data)
    assert answer.content_type == preview.content_type
    assert answer.headers["etag"] == preview.etag
    assert answer.headers["content-disposition"].startswith("inline;")


async def test_an_original_is_saved_under_its_name(house: House, video: str) -> None:
    answer = await followed(house, (await linked(house, video, "original")).url)
    assert answer.body == b"original"
    assert answer.headers["content-disposition"].startswith('attachment; filename="clip.mp4"')


async def test_a_link_is_a_download_like_any_other(house: House, video: str) -> None:
    url = (await linked(house, video)).url
    assert (await followed(house, url, range="bytes=5-9")).body == WEB.data[5:10]
    assert (await followed(house, url, if_none_match=WEB.etag)).status == 304
    with pytest.raises(OutOfRange):
        await followed(house, url, range=f"bytes={len(WEB.data)}-")
    with pytest.raises(WrongState):
        await followed(house, url, if_match='"x"')


async def test_the_pictures_of_a_storyboard_are_found_from_its_index(
    house: House, video: str
) -> None:
    url = (await linked(house, video, "storyboard")).url
    cues = (await followed(house, url)).body.decode().splitlines()
    pictures = {urljoin(url, line) for line in cues if "#xywh=" in line}
    assert len(pictures) == 2
    for picture in pictures:
        assert (await followed(house, picture)).body == BOARD.data


@pytest.mark.parametrize("name", ["film-small.jpg", "Søren – web.mp4x", "", "storyboard.jpg"])
async def test_a_link_leads_to_no_other_file(house: House, video: str, name: str) -> None:
    url = (await linked(house, video)).url
    with pytest.raises(NotFound):
        await followed(house, urljoin(url, name) if name else url.rsplit("/", 1)[0] + "/")


async def test_links_last_an_hour_or_as_long_as_asked_for(
    house: House, video: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seconds in (3600, 90):
        started = now()
        asked = {} if seconds == 3600 else {"expires_in_seconds": seconds}
        link = await linked(house, video, "web", team=TEAM, **asked)
        expires = link.expires_at.ToDatetime(UTC)
        assert timedelta(0) <= expires - started - timedelta(seconds=seconds) < timedelta(seconds=5)
        age = int((await followed(house, link.url)).headers["cache-control"].split("=")[1])
        assert seconds - 5 < age <= seconds
        assert "private" in (await followed(house, link.url)).headers["cache-control"]
        with monkeypatch.context() as later:
            later.setattr(links, "now", lambda at=expires: at)
            with pytest.raises(Forbidden) as refusal:
                await followed(house, link.url)
        assert refusal.value.reason == "LinkExpiredException"
        assert f"{expires:%Y-%m-%d %H:%M:%S}" in refusal.value.message


@pytest.mark.parametrize("seconds", [0, -1, 604_801, 2**31 - 1])
async def test_links_last_a_second_to_a_week(house: House, video: str, seconds: int) -> None:
    with pytest.raises(Invalid) as refusal:
        await linked(house, video, expires_in_seconds=seconds)
    assert [each.field for each in refusal.value.violations] == ["expiresInSeconds"]


@pytest.mark.parametrize("file", ["", "video", "screenshot/medium", "STORYBOARD"])
async def test_files_are_called_as_in_their_addresses(house: House, video: str, file: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await linked(house, video, file)
    assert {each.field for each in refusal.value.violations} == {"file"}


async def test_only_the_team_makes_links_and_only_to_what_is_there(
    house: House, video: str
) -> None:
    with pytest.raises(NotFound) as strangers:
        await linked(house, video, team=OTHER_TEAM)
    assert strangers.value.reason == "VideoNotFoundException"
    with pytest.raises(NotFound) as missing:
        await linked(house, video, "processed")
    assert missing.value.reason == "MediaNotFoundException"
    with pytest.raises((Unauthenticated, Forbidden)):
        await named(house.media.CreateLink(media_pb2.CreateLinkRequest(video_id=video, file="web")))


async def test_a_changed_link_leads_nowhere(house: House, video: str) -> None:
    url = (await linked(house, video)).url
    grant = url.rsplit("/", 2)[1]
    role, expires, video_id, seal = grant.split(".")
    forged = [
        f"{role}.{int(expires) + 1}.{video_id}.{seal}",
        f"original.{expires}.{video_id}.{seal}",
        f"{role}.{expires}.{VIDEO}.{seal}",
        f"{role}.{expires}.{video_id}.{seal[::-1]}",
        f"{role}.{expires}.{video_id}.",
        f"{role}.{expires}.{video_id}",
    ]
    for each in forged:
        with pytest.raises(NotFound) as refusal:
            await followed(house, url.replace(grant, each))
        assert refusal.value.reason == "MediaNotFoundException"


async def test_a_link_ends_with_its_video(house: House, video: str) -> None:
    url = (await linked(house, video)).url
    del house.catalogue.videos[video]
    with pytest.raises(NotFound):
        await followed(house, url)


async def test_links_of_another_suite_are_good_for_nothing(house: House, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    key = SecretStr("another key of thirty-two letters")
    async with open_house(tmp_path / "other", internal_key=key) as other:
        video_id = other.catalogue.add()
        await add_previews(other, video_id)
        house.catalogue.videos |= other.catalogue.videos
        await add_previews(house, video_id)
        url = (await linked(other, video_id)).url
        assert (await followed(other, url)).status == 200
        with pytest.raises(NotFound):
            await followed(house, url)


@given(st.sampled_from(Role), st.integers(0, 10**11 - 1), st.uuids())
def test_a_grant_comes_back_as_it_was(role: Role, expires: int, video: object) -> None:
    grant = Grant(role, expires, str(video))
    assert Grant.unsealed(grant.sealed(KEY), KEY) == grant
    with pytest.raises(FileNotStored):
        Grant.unsealed(grant.sealed(KEY), b"x" * 32)


@given(st.data())
def test_no_letter_of_a_grant_can_be_another(data: st.DataObject) -> None:
    sealed = Grant(Role.WEB_VIDEO, 1_795_331_479, VIDEO).sealed(KEY)
    at = data.draw(st.integers(0, len(sealed) - 1))
    other = data.draw(st.sampled_from("abcXYZ019-_.") | st.characters())
    changed = sealed[:at] + other + sealed[at + 1 :]
    if changed != sealed:
        with pytest.raises(FileNotStored):
            Grant.unsealed(changed, KEY)


@given(st.text() | st.from_regex(r"[a-z_]+\.[0-9]+\.[0-9a-f-]+\.[A-Za-z0-9_-]{43}", fullmatch=True))
def test_no_text_is_a_grant(text: str) -> None:
    with pytest.raises(FileNotStored):
        Grant.unsealed(text, KEY)


def test_a_grant_says_when_it_expires() -> None:
    assert Grant(Role.WEB_VIDEO, 0, VIDEO).expires_at == datetime(1970, 1, 1, tzinfo=UTC)
