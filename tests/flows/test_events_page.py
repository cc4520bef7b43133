"""The consumers that the README and `docs/events.md` show."""

import re
import subprocess
import sys
from pathlib import Path

import httpx

from tests.kit.suite import Suite
from tests.kit.waiting import wait_for

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "events.md"


def programs(page: Path) -> list[str]:
    """The Python programs of a page."""
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def test_the_readme_shows_a_consumer(suite: Suite, client: httpx.Client, tmp_path: Path) -> None:
    [program] = programs(ROOT / "README.md")
    script, printed = tmp_path / "consumer.py", tmp_path / "printed"
    script.write_text(program.replace("data/run", f"{suite.data}/run"))
    with printed.open("w") as output:
        consumer = subprocess.Popen([sys.executable, "-u", script], stdout=output)
    made: list[str] = []
    try:

        def told() -> bool:
            # It hears what happens from its start on, and nobody sees when that was.
            made.append(client.put("/videos/v1/video", json={}).json()["videoId"])
            return any(video in printed.read_text() for video in made)

        wait_for(told, seconds=30, what="the consumer to see a video")
    finally:
        consumer.kill()
        consumer.wait()


def test_the_consumer_prints_what_happens(
    suite: Suite, client: httpx.Client, tmp_path: Path
) -> None:
    [program] = programs(PAGE)
    script, printed = tmp_path / "consumer.py", tmp_path / "printed"
    script.write_text(program)
    video = client.put("/videos/v1/video", json={"name": "Told"}).json()["videoId"]
    with printed.open("w") as output:
        consumer = subprocess.Popen(
            [sys.executable, script, suite.addresses()["broker"]], stdout=output
        )
    try:

        def told() -> list[str]:
            lines = printed.read_text().splitlines()
            return [line.split()[1] for line in lines if line.startswith(video)]

        wait_for(lambda: told() == ["created"], seconds=30, what="the consumer to see the video")
        client.delete(f"/videos/v1/video/{video}")
        wait_for(
            lambda: told() == ["created", "deleted"], seconds=30, what="the consumer to see its end"
        )
    finally:
        consumer.kill()
        consumer.wait()
