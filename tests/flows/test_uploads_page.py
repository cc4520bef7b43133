"""What the page about uploads shows works when pasted."""

import re
import subprocess
from pathlib import Path

from tests.kit.clips import FILM
from tests.kit.suite import Suite
from tests.kit.waiting import wait_for

PAGE = Path(__file__).parents[2] / "docs" / "uploads.md"


def test_resuming_by_hand(suite: Suite, tmp_path: Path) -> None:
    """The last two commands are pasted again after the upload was broken off."""
    begin, ask, send = shell_of_tus()
    (tmp_path / "film.mov").write_bytes(FILM.read_bytes())
    broken = send.replace("film.mov |", "film.mov | head -c 50000 |", 1)
    assert broken != send
    with suite.signed_in("uploads@example.org") as client:
        video = client.put("/videos/v1/video", json={}).json()["videoId"]
        auth = f"Authorization: {client.headers['authorization']}"
        given = f"set -e; auth='{auth}' api='{suite.url}' video='{video}'"
        script = "\n".join([given, begin, ask, broken, ask, 'test "$offset" = 50000', send])
        subprocess.run(["bash", "-c", script], cwd=tmp_path, check=True, timeout=60)

        def ingested() -> bool:
            told = client.get(f"/videos/v1/check-ingest-video-progress/{video}").json()
            return bool(told["ingestionState"]["ingestionStatus"] == "DONE")

        wait_for(ingested, seconds=120, what="the ingestion")
        original = client.get(f"/media/v1/download/original/{video}")
        assert original.content == FILM.read_bytes()
        assert 'filename="film.mov"' in original.headers["content-disposition"]


def shell_of_tus() -> tuple[str, str, str]:
    """The commands that begin an upload, that ask how far it is, and that send the rest."""
    [block] = re.findall(r"^```\n(meta=.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    at, then = block.index("offset="), block.index("tail -c")
    return block[:at], block[at:then], block[then:]
