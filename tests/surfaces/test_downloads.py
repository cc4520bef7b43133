"""Every request and answer that the Video API documents about downloads, by REST."""

import hashlib
import re
from io import BytesIO
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from PIL import Image

from tests.kit.clips import FILM, decode
from tests.kit.waiting import wait_for
from tests.surfaces.studio import DATE, UNKNOWN, Studio, answered, refused

NOT_STORED = "MediaNotFoundException"
BYTES = FILM.read_bytes()
ETAG = f'"{hashlib.sha256(BYTES).hexdigest()}"'
PREVIEWS = (
    *("screenshot/small", "screenshot/large", "thumbnail/small", "thumbnail/large"),
    *("web", "storyboard"),
)
KINDS = ("original", "processed", *PREVIEWS)
CUE = re.compile(r"storyboard\.jpg#xywh=(\d+),(\d+),(\d+),(\d+)")


@pytest.fixture(scope="module")
def made(studio: Studio, premiere: str) -> str:
    """A small video that was processed."""
    size = {"width": 64, "height": 36}
    return studio.processed(
        premiere, {"resolution": size, "range": {"endPositionMilliseconds": 400}}
    )


@pytest.fixture(scope="module")
def kept(studio: Studio, premiere: str, made: str) -> dict[str, httpx.Response]:
    """Every file, downloaded whole."""
    answers = {
        kind: studio.download(f"{kind}/{made if kind == 'processed' else premiere}")
        for kind in KINDS
    }
    assert {answer.status_code for answer in answers.values()} == {200}
    return answers


def path_of(answer: httpx.Response) -> str:
    return answer.request.url.path.removeprefix("/media/v1/download/")


def test_the_original_is_what_was_uploaded(kept: dict[str, httpx.Response]) -> None:
    answer = kept["original"]
    assert answer.content == BYTES
    assert answer.headers["etag"] == ETAG
    assert answer.headers["content-type"] == "video/mp4"
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith(f'attachment; filename="{FILM.name}"')


def test_the_processed_video_is_what_was_asked_for(
    kept: dict[str, httpx.Response], tmp_path: Path
) -> None:
    answer = kept["processed"]
    assert 'attachment; filename="big_buck_bunny.mp4"' in answer.headers["content-disposition"]
    path = tmp_path / "made.mp4"
    path.write_bytes(answer.content)
    facts = decode(path)
    assert (facts.width, facts.height) == (64, 36)
    assert facts.seconds == pytest.approx(0.4, abs=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_documented_headers(kept: dict[str, httpx.Response], kind: str) -> None:
    answer = kept[kind]
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    assert "filename=" in answer.headers["content-disposition"]
    assert answer.headers["accept-ranges"] == "bytes"
    assert "content-range" not in answer.headers


@pytest.mark.parametrize("kind", KINDS)
def test_head_is_get_without_the_file(
    studio: Studio, kept: dict[str, httpx.Response], kind: str
) -> None:
    answer = studio.download(path_of(kept[kind]), "HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    for name in ("content-length", "etag", "content-disposition", "content-type", "accept-ranges"):
        assert answer.headers[name] == kept[kind].headers[name]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_client_has_is_not_sent_again(
    studio: Studio, kept: dict[str, httpx.Response], kind: str, method: str
) -> None:
    etag = kept[kind].headers["etag"]
    for had in (etag, f'"other", W/{etag}', "*"):
        same = studio.download(path_of(kept[kind]), method, if_none_match=had)
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["etag"] == etag
    other = studio.download(path_of(kept[kind]), method, if_none_match='"other"')
    assert other.status_code == 200


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-29", 10, 30),
        ("bytes=100-", 100, None),
        ("bytes=-9", -9, None),
    ],
)
def test_a_part_is_sent(
    studio: Studio,
    kept: dict[str, httpx.Response],
    kind: str,
    asked: str,
    start: int,
    end: int | None,
) -> None:
    whole = kept[kind].content
    part = studio.download(path_of(kept[kind]), range=asked)
    first, last, _ = slice(start, end).indices(len(whole))
    assert (part.status_code, part.content) == (206, whole[first:last])
    assert part.headers["content-range"] == f"bytes {first}-{last - 1}/{len(whole)}"
    assert part.headers["content-length"] == str(last - first)
    assert part.headers["etag"] == kept[kind].headers["etag"]
    assert part.headers["content-disposition"] == kept[kind].headers["content-disposition"]


def test_a_download_goes_on_where_it_broke_off(studio: Studio, premiere: str) -> None:
    here = BYTES[:500_000]
    rest = studio.download(f"original/{premiere}", range="bytes=500000-", if_range=ETAG)
    assert (rest.status_code, here + rest.content) == (206, BYTES)
    changed = studio.download(f"original/{premiere}", range="bytes=500000-", if_range='"other"')
    assert (changed.status_code, changed.content) == (200, BYTES)


def test_several_parts_come_at_once(studio: Studio, premiere: str) -> None:
    parts = studio.download(f"original/{premiere}", range="bytes=0-9,-10")
    assert parts.status_code == 206
    assert parts.headers["content-type"].startswith("multipart/byteranges; boundary=")
    assert BYTES[:10] in parts.content
    assert BYTES[-10:] in parts.content
    assert f"bytes 0-9/{len(BYTES)}".encode() in parts.content


@pytest.mark.parametrize("kind", KINDS)
def test_parts_behind_the_end(studio: Studio, kept: dict[str, httpx.Response], kind: str) -> None:
    size = len(kept[kind].content)
    answer = studio.download(path_of(kept[kind]), range=f"bytes={size}-")
    refused(answer, 416, "RangeNotSatisfiableException")
    assert answer.headers["content-range"] == f"bytes */{size}"


@pytest.mark.parametrize("asked", ["bytes=5-1", "bytes=a-b", "lines=1-2", "bytes"])
def test_what_is_no_range_is_the_whole_file(studio: Studio, premiere: str, asked: str) -> None:
    answer = studio.download(f"thumbnail/small/{premiere}", range=asked)
    assert answer.status_code == 200


def test_another_file_than_the_client_wants(studio: Studio, premiere: str) -> None:
    answer = studio.download(f"original/{premiere}", if_match='"other"')
    refused(answer, 412, "PreconditionFailedException")


@pytest.mark.parametrize(("size", "widest"), [("small", 320), ("large", 1280)])
def test_screenshots(kept: dict[str, httpx.Response], size: str, widest: int) -> None:
    answer = kept[f"screenshot/{size}"]
    assert answer.content == kept[f"thumbnail/{size}"].content
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"].startswith("inline; ")
    with Image.open(BytesIO(answer.content)) as picture:
        facts = decode(FILM)
        assert picture.size[0] == min(widest, facts.width)
        assert picture.size[0] / picture.size[1] == pytest.approx(facts.width / facts.height, 0.02)


@pytest.mark.parametrize("size", ["medium", "SMALL", "0"])
def test_there_is_no_other_size(studio: Studio, premiere: str, size: str) -> None:
    answer = studio.download(f"screenshot/{size}/{premiere}")
    assert "size" in refused(answer, 400, "BadRequestException")


def test_the_web_video_plays(kept: dict[str, httpx.Response], tmp_path: Path) -> None:
    answer = kept["web"]
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-disposition"].startswith("inline; ")
    assert answer.content.index(b"moov") < answer.content.index(b"mdat")
    path = tmp_path / "web.mp4"
    path.write_bytes(answer.content)
    found, source = decode(path), decode(FILM)
    assert (found.width, found.height, found.frames) == (source.width, source.height, source.frames)
    assert found.audio_samples > 0


def test_the_storyboard_says_where_each_time_is(
    studio: Studio, kept: dict[str, httpx.Response], premiere: str
) -> None:
    index = studio.download(f"storyboard/{premiere}/storyboard.vtt")
    assert (index.status_code, index.headers["content-type"]) == (200, "text/vtt")
    assert index.text.startswith("WEBVTT")
    cues = [CUE.fullmatch(line) for line in index.text.splitlines() if "#xywh=" in line]
    assert cues
    with Image.open(BytesIO(kept["storyboard"].content)) as picture:
        for cue in cues:
            assert cue
            left, top, width, height = map(int, cue.groups())
            assert left + width <= picture.width
            assert top + height <= picture.height
    beside = studio.client.get(urljoin(str(index.url), "storyboard.jpg"))
    assert beside.content == kept["storyboard"].content
    refused(studio.download(f"storyboard/{premiere}/other.jpg"), 404, NOT_STORED)


@pytest.mark.parametrize("file", ["original", "screenshot/small", "screenshot/large", "web"])
def test_links_lead_to_the_files_without_a_token(
    studio: Studio, kept: dict[str, httpx.Response], premiere: str, file: str
) -> None:
    answer = answered(studio.link(premiere, file))
    assert answer.keys() == {"url", "expiresAt"}
    assert DATE.fullmatch(answer["expiresAt"])
    linked = httpx.get(answer["url"], timeout=60)
    assert (linked.status_code, linked.content) == (200, kept[file].content)
    part = httpx.get(answer["url"], headers={"Range": "bytes=0-4"}, timeout=60)
    assert (part.status_code, part.content) == (206, linked.content[:5])


def test_a_link_to_a_processed_video_and_to_a_storyboard(
    studio: Studio, kept: dict[str, httpx.Response], premiere: str, made: str
) -> None:
    processed = answered(studio.link(made, "processed"))["url"]
    assert httpx.get(processed, timeout=60).content == kept["processed"].content
    board = answered(studio.link(premiere, "storyboard"))["url"]
    assert httpx.get(board, timeout=60).text.startswith("WEBVTT")
    picture = httpx.get(urljoin(board, "storyboard.jpg"), timeout=60)
    assert picture.content == kept["storyboard"].content


def test_a_link_ends(studio: Studio, premiere: str) -> None:
    body = {"file": "web", "expiresInSeconds": 1}
    url = answered(studio.client.post(f"/media/v1/link/{premiere}", json=body))["url"]

    def look() -> httpx.Response | None:
        answer = httpx.head(url, timeout=60)
        return answer if answer.status_code != 200 else None

    assert wait_for(look, seconds=20, what="the link to end")
    refused(httpx.get(url, timeout=60), 403, "LinkExpiredException")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "file"),
        ({"file": "sound"}, "file"),
        ({"file": "web", "expiresInSeconds": 0}, "expiresInSeconds"),
        ({"file": "web", "expiresInSeconds": 604_801}, "expiresInSeconds"),
        ({"file": "web", "colour": "red"}, "colour"),
    ],
)
def test_links_that_cannot_be(
    studio: Studio, premiere: str, body: dict[str, object], named: str
) -> None:
    answer = studio.client.post(f"/media/v1/link/{premiere}", json=body)
    assert named in refused(answer, 400, "BadRequestException")


def test_nothing_is_there_before_it_was_made(studio: Studio) -> None:
    empty = studio.video()
    for kind in KINDS:
        refused(studio.download(f"{kind}/{empty}"), 404, NOT_STORED)
        assert studio.download(f"{kind}/{empty}", "HEAD").status_code == 404
    refused(studio.link(empty, "original"), 404, NOT_STORED)


def test_originals_and_processed_videos_are_not_mixed_up(
    studio: Studio, premiere: str, made: str
) -> None:
    refused(studio.download(f"processed/{premiere}"), 404, NOT_STORED)
    for kind in ("original", *PREVIEWS):
        refused(studio.download(f"{kind}/{made}"), 404, NOT_STORED)


@pytest.mark.parametrize("video", [UNKNOWN, "film", "a b"])
def test_unknown_videos(studio: Studio, video: str) -> None:
    for kind in KINDS:
        refused(studio.download(f"{kind}/{video}"), 404, "VideoNotFoundException")
    refused(studio.link(video, "web"), 404, "VideoNotFoundException")


def test_a_deleted_video_is_gone_with_its_files(studio: Studio) -> None:
    video = studio.ingested(FILM)
    link = answered(studio.link(video, "original"))["url"]
    answered(studio.delete(f"video/{video}"))
    refused(studio.download(f"original/{video}"), 404, "VideoNotFoundException")
    assert httpx.get(link, timeout=60).status_code == 404
