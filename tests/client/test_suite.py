"""The client against a running suite, and the examples of its page."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from PIL import Image

from client import Task, TaskError, TasksClient, UnauthorizedError
from tests.kit.clips import CLIPS
from tests.kit.suite import PASSWORD, Suite
from tests.kit.web import served

PAGE = Path(__file__).parents[2] / "docs" / "client.md"
EMAIL = "ada@example.org"


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    with Suite(tmp_path_factory.mktemp("client")) as suite:
        suite.run("users", "add", "--email", EMAIL, "--password", PASSWORD)
        yield suite


@pytest.fixture(scope="module")
def secret(suite: Suite) -> str:
    return str(suite.run("keys", "add", "--email", EMAIL)["secret"])


@pytest.fixture(scope="module")
def pictures() -> Iterator[str]:
    with served(CLIPS) as address:
        yield address


@pytest.fixture
async def tasks(suite: Suite, secret: str) -> AsyncIterator[TasksClient]:
    async with TasksClient(suite.url, secret) as client:
        yield client


async def test_from_a_task_to_its_file(tasks: TasksClient, pictures: str, tmp_path: Path) -> None:
    task = Task("image.thumb", {"url": f"{pictures}/bunny_sideways.jpg", "width": 150})
    updates = [status async for status in tasks.create_stream([task])]
    assert updates[0].state == "queued"
    last = updates[-1]
    assert (last.state, last.result["width"], len({status.key for status in updates})) == (
        "success",
        150,
        1,
    )
    assert await tasks.download(last.result["output"], tmp_path / "thumb.jpg") == "image/jpeg"
    with Image.open(tmp_path / "thumb.jpg") as made:
        assert made.width == 150


async def test_many_are_followed_to_their_ends(tasks: TasksClient, pictures: str) -> None:
    good = Task("image.info", {"url": f"{pictures}/bunny_sideways.jpg"}, metas={"mine": 1})
    created = await tasks.create([good] * 20 + [Task("image.info"), Task("nothing")])
    assert [status.ended for status in created[-2:]] == [True, True]
    ends = await tasks.wait([status.key for status in created])
    assert [status.key for status in ends] == [status.key for status in created]
    assert [status.state for status in ends] == ["success"] * 20 + ["error"] * 2
    assert ends[-2].failure
    assert ends[-2].failure.parameters == {"url": ("this field is required",)}
    [status] = await tasks.status([ends[0].key], details=True)
    assert (status.content["task_name"], status.content["task_metas"]) == (
        "image.info",
        {"mine": 1},
    )


async def test_a_failure_and_a_wrong_secret_are_raised(
    suite: Suite, tasks: TasksClient, pictures: str
) -> None:
    with pytest.raises(TaskError, match="404"):
        await tasks.run(Task("image.info", {"url": f"{pictures}/none.jpg"}))
    async with TasksClient(suite.url, "wrong") as stranger:
        with pytest.raises(UnauthorizedError) as caught:
            await stranger.create([Task("image.info")])
    assert caught.value.problems[0].location == "header"


async def test_storage(tasks: TasksClient, pictures: str) -> None:
    task = Task("image.thumb", {"url": f"{pictures}/bunny_sideways.jpg", "width": 50})
    first, second = [await tasks.run(task) for _ in range(2)]
    listing = await tasks.files(first.key)
    [file] = listing.files
    assert (file.size, listing.usage, listing.directories) == (listing.usage, file.size, ())
    assert f"{second.key}/" in (await tasks.files()).directories
    everything = await tasks.files(recursive=True)
    assert f"{first.key}/{file.name}" in {each.name for each in everything.files}
    dry = await tasks.delete_files(first.key, dry_run=True)
    gone = await tasks.delete_files(first.key)
    assert gone.deleted == dry.deleted == (f"{first.key}/{file.name}",)
    assert gone.freed == file.size
    by_url = await tasks.delete_urls([second.result["output"]])
    assert [path.split("/")[0] for path in by_url.deleted] == [second.key]
    assert (await tasks.delete_files("", max_age=1)).deleted == ()
    await tasks.set_expiration(30)
    assert await tasks.expiration() == 30


async def test_a_follower_outlives_the_gateway(
    suite: Suite, tasks: TasksClient, pictures: str
) -> None:
    """Its stream breaks with a kill -9; it hears the end from the next gateway."""
    key = ""
    task = Task("image.info", {"url": f"{pictures}/bunny_sideways.jpg"})
    states = []
    async for status in tasks.create_stream([task] * 50):
        if not key:
            key = status.key
            suite.part("gateway").kill()
        states.append((status.key, status.state))
    ends = [each for each in states if each[1] == "success"]
    assert (len(ends), len(set(ends))) == (50, 50)


@pytest.mark.parametrize("number", range(4))
async def test_the_examples_of_the_page_run(
    number: int,
    suite: Suite,
    secret: str,
    pictures: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    programs = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    program = programs[number]
    assert len(programs) == 4
    for written, here in {
        "http://127.0.0.1:8080": suite.url,
        "YOUR-SECRET": secret,
        "https://example.org/bunny.jpg": f"{pictures}/bunny_sideways.jpg",
        "https://example.org/none.jpg": f"{pictures}/none.jpg",
    }.items():
        program = program.replace(written, here)
    monkeypatch.chdir(tmp_path)
    # The programs have event loops of their own.
    await asyncio.to_thread(exec, program, {})
    printed = capsys.readouterr().out
    expected = (
        r"200 \d+",
        r"success 100.*|parameters",
        "the task failed: .*404",
        r"30 days; \d+ b",
    )
    assert re.search(expected[number], printed), printed
    if number == 0:
        with Image.open("thumb.jpg") as made:
            assert made.width == 200
