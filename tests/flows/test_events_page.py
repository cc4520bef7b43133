"""The consumer that `docs/events.md` shows."""

import re
import subprocess
import sys
from pathlib import Path

import httpx

from tests.kit.suite import Suite
from tests.kit.waiting import wait_for

PAGE = Path(__file__).parents[2] / "docs" / "events.md"


def test_the_consumer_prints_what_happens(
    suite: Suite, client: httpx.Client, tmp_path: Path
) -> None:
    [program] = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
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
