"""The README's walk-through works when pasted."""

import re
import subprocess
import sys
from pathlib import Path

from PIL import Image

from tests.kit.clips import decode
from tests.kit.servers import free_port
from tests.kit.suite import Suite

ROOT = Path(__file__).parents[2]


def blocks() -> list[str]:
    """The shell blocks of "Run it", from the one that adds a user on."""
    chapter = (ROOT / "README.md").read_text().split("## Run it\n")[1].split("\n## ")[0]
    found = re.findall(r"^```\n(.*?)^```", chapter, flags=re.DOTALL | re.MULTILINE)
    return [block for block in found if "vitascope up" not in block]


def test_the_walk_through(suite: Suite, tmp_path: Path) -> None:
    script = "\n".join(["set -e -m", *blocks()])
    for written, here in {
        "http://127.0.0.1:8080": suite.url,
        "--data data": f"--data {suite.data}",
        "8081": str(free_port()),
        "ada@example.org": "readme@example.org",
    }.items():
        assert written in script
        script = script.replace(written, here)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    subprocess.run(["bash", "-c", script], cwd=tmp_path, check=True, timeout=120)
    assert decode(tmp_path / "processed.mp4").height == 1080
    with Image.open(tmp_path / "thumb.jpg") as thumbnail:
        assert thumbnail.width == 160
