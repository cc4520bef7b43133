"""Very many thumbnails of mixed pictures: memory stays flat, no result is lost or made twice.

VITASCOPE_SOAK=1 makes 50,000 of them, of the shared collection's pictures too.
"""

import io
import os
import random
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from PIL import Image

from services.chassis.engines import CACHE_KIBIBYTES
from tests.kit.clips import CLIPS
from tests.kit.suite import PASSWORD, Suite
from tests.kit.web import served
from tests.media.material import COLLECTION

SOAK = os.environ.get("VITASCOPE_SOAK") == "1"
TASKS = 50_000 if SOAK else 200
WARM = TASKS // 5
BATCH, CLIENTS = 40, 3
ASKED_AT_ONCE = 10_000
MOST_PIXELS = 4_000_000
GROWTH_MIB = 48
# That many connections keep the pages of a growing SQLite file, each up to its cache.
CONNECTIONS = 3
# Each task wants another size, so that its result can be told from those of all others.
SMALLEST, SIDES = 16, 240
EMAIL = "ada@example.org"
SHARED = ("image_orientation/*.jpg", "image_photo/*", "image/*.jpg", "image/*.png", "image/*.webp")


@pytest.mark.timeout(7200)
def test_many_thumbs(tmp_path: Path) -> None:
    names = make_pictures(tmp_path / "pictures")
    with Suite(tmp_path / "suite") as suite, served(tmp_path / "pictures") as source:
        suite.run("users", "add", "--email", EMAIL, "--password", PASSWORD)
        secret = suite.run("keys", "add", "--email", EMAIL)["secret"]
        headers = {"Authorization": f"Secret {secret}"}
        with httpx.Client(base_url=suite.url, headers=headers, timeout=600) as client:
            crowd = Crowd(client, source, names)
            crowd.make(range(WARM))
            before = memory(suite)
            crowd.make(range(WARM, TASKS))
            grown = {name: (size - before[name]) >> 20 for name, size in memory(suite).items()}
            print(f"{TASKS} thumbnails of {len(names)} pictures; MiB grown: {grown}")
            check_results(client, suite, crowd.outputs)
            room = {name: GROWTH_MIB + cached_pages(suite, name) for name in grown}
    # The embedded broker keeps every event of its life in memory; those who need more run Kafka.
    grown.pop("tansu", None)
    assert all(size < room[name] for name, size in grown.items()), grown


class Crowd:
    """Clients that have thumbnails made. `outputs` has each file's address by its task's key."""

    def __init__(self, client: httpx.Client, source: str, names: Sequence[str]) -> None:
        self.outputs: dict[str, str] = {}
        self._client = client
        self._source = source
        self._names = names
        self._rng = random.Random(7)  # noqa: S311

    def make(self, numbers: range) -> None:
        """Have the tasks of these numbers done by some clients at once, and check the results."""
        batches = [numbers[start : start + BATCH] for start in range(0, len(numbers), BATCH)]
        with ThreadPoolExecutor(CLIENTS) as threads:
            for _ in threads.map(self._make, batches):
                pass

    def _make(self, numbers: range) -> None:
        body = {"tasks": [self._task(number) for number in numbers], "block": True}
        answer = self._client.post("/v2/create", json=body)
        assert answer.status_code == 200, answer.text
        for number, status in zip(numbers, answer.json(), strict=True):
            assert status["status"] == "success", status
            result = status["result"]
            assert (result["width"], result["height"]) == size_of(number), status
            assert status["key"] not in self.outputs
            self.outputs[status["key"]] = result["output"]

    def _task(self, number: int) -> dict[str, Any]:
        width, height = size_of(number)
        url = f"{self._source}/{self._rng.choice(self._names)}"
        wanted = {"width": width, "height": height, "crop": True}
        return {"task_name": "image.thumb", "url": url, **wanted}


def size_of(number: int) -> tuple[int, int]:
    """The size that the task of a number wants, which no other does."""
    return SMALLEST + number % SIDES, SMALLEST + number // SIDES


def check_results(client: httpx.Client, suite: Suite, outputs: Mapping[str, str]) -> None:
    """See that ledger, API, storage and its list have each result, and have it once."""
    rows = suite.ask("tasks", "SELECT state, attempt, count(*) FROM items GROUP BY state, attempt")
    assert rows == [("success", 1, TASKS)]
    told: dict[str, str] = {}
    keys = list(outputs)
    for start in range(0, TASKS, ASKED_AT_ONCE):
        asked = {"tasks": keys[start : start + ASKED_AT_ONCE]}
        statuses = client.post("/v2/status", json=asked).json()
        told |= {each["key"]: each["result"]["output"] for each in statuses}
    assert told == outputs
    listed = client.get("/v2/storage/files/", params={"recursive": "true"}).json()["files"]
    paths = sorted("/".join(output.split("/")[-2:]) for output in outputs.values())
    assert [each["name"] for each in listed] == paths
    stored = [path for path in (suite.data / "storage").rglob("*") if path.is_file()]
    assert len(stored) == TASKS
    for number in range(0, TASKS, TASKS // 50):
        image = Image.open(io.BytesIO(client.get(outputs[keys[number]]).content))
        with image:
            image.load()


def memory(suite: Suite) -> Counter[str]:
    """The resident memory of every part of the suite in bytes; a sandbox counts as a whole."""
    found: Counter[str] = Counter()
    for process in suite.processes():
        with suppress(psutil.NoSuchProcess):
            command = process.cmdline()
            name = command[2] if command[1:2] == ["-m"] else process.name()
            found[name] += process.memory_info().rss
    return found


def cached_pages(suite: Suite, name: str) -> int:
    """How many MiB of its database a part of the suite may keep in memory."""
    file = suite.data / "db" / f"{name.removeprefix('services.')}.sqlite"
    if not file.exists():
        return 0
    return CONNECTIONS * min(file.stat().st_size >> 20, CACHE_KIBIBYTES >> 10)


def make_pictures(folder: Path) -> list[str]:
    """Write pictures of many kinds, in a soak those of the shared collection too."""
    folder.mkdir()
    shutil.copy(CLIPS / "bunny_sideways.jpg", folder)
    with Image.open(CLIPS / "bunny_sideways.jpg") as picture:
        picture.thumbnail((400, 400))
        picture.convert("CMYK").save(folder / "cmyk.jpg")
        picture.convert("P").save(folder / "palette.gif")
        picture.convert("L").save(folder / "grey.png")
        picture.save(folder / "small.webp")
        picture.save(folder / "small.tiff")
        see_through = picture.convert("RGBA")
        see_through.putalpha(picture.convert("L"))
        see_through.save(folder / "alpha.png")
    if SOAK and COLLECTION.is_dir():
        for path in sorted(path for pattern in SHARED for path in COLLECTION.glob(pattern)):
            with suppress(OSError), Image.open(path) as image:
                if image.width * image.height <= MOST_PIXELS:
                    shutil.copy(path, folder)
    return sorted(path.name for path in folder.iterdir())
