"""Files on their way to disk."""

from pathlib import Path

import pytest

from client import NotFoundError, TasksClient, UnavailableError
from tests.client.double import Answer, Double

BODY = bytes(range(256)) * 100
HALF = len(BODY) // 2


def whole(etag: str = '"one"', *, upto: int = len(BODY)) -> Answer:
    headers = {"Content-Length": str(len(BODY)), "ETag": etag, "Content-Type": "image/jpeg; x=1"}
    return Answer([BODY[:upto]], headers=headers, cut=upto < len(BODY))


def rest() -> Answer:
    headers = {"Content-Length": str(len(BODY) - HALF), "ETag": '"one"'}
    headers["Content-Range"] = f"bytes {HALF}-{len(BODY) - 1}/{len(BODY)}"
    return Answer([BODY[HALF:]], 206, {**headers, "Content-Type": "image/jpeg"})


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_a_file_arrives_whole_and_says_how_far_it_is(
    double: Double, tasks: TasksClient, tmp_path: Path
) -> None:
    double.answers = [Answer(status=302, headers={"Location": "/there"}), whole()]
    path, heard = tmp_path / "a.jpg", list[tuple[int, int | None]]()
    path.write_text("an older one")
    media_type = await tasks.download(
        f"{double.url}/here", path, lambda received, total: heard.append((received, total))
    )
    assert media_type == "image/jpeg"
    assert path.read_bytes() == BODY
    assert heard[-1] == (len(BODY), len(BODY))
    assert names(tmp_path) == ["a.jpg"]
    assert "authorization" not in double.asked[0].headers, "files may lie with strangers"
    assert double.asked[1].target == "/there"


@pytest.mark.parametrize(
    "again",
    [rest(), whole('"another"')],
    ids=["the rest", "another file meanwhile"],
)
async def test_a_download_that_breaks_goes_on(
    double: Double, tasks: TasksClient, tmp_path: Path, again: Answer
) -> None:
    double.answers = [whole(upto=HALF), None, again]
    await tasks.download(f"{double.url}/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == BODY
    for request in double.asked[1:]:
        assert request.headers["range"] == f"bytes={HALF}-"
        assert request.headers["if-range"] == '"one"'
        assert request.headers["accept-encoding"] == "identity"


async def test_a_download_that_fails_leaves_what_was_there(
    double: Double, tasks: TasksClient, tmp_path: Path
) -> None:
    path = tmp_path / "a"
    path.write_text("an older one")
    double.answers = [whole(upto=HALF), Answer(status=404)]
    with pytest.raises(NotFoundError):
        await tasks.download(f"{double.url}/a", path)
    double.answers = [whole(upto=HALF), Answer(status=503, headers={"Retry-After": "60"})]
    with pytest.raises(UnavailableError):
        await tasks.download(f"{double.url}/a", path)
    assert path.read_text() == "an older one"
    assert names(tmp_path) == ["a"]


async def test_where_nothing_can_be_written(
    double: Double, tasks: TasksClient, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        await tasks.download(f"{double.url}/a", tmp_path / "no folder" / "a")
