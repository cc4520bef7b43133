"""`html.scrape` as both versions offer it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.kit.web import served

VERSIONS = pytest.mark.parametrize("version", ["v1", "v2"])
FILES = {
    "cats.html": "<title>Two  cats</title><base href=https://cdn.example/>"
    "<img src=a.jpg width=40 height=30 alt=Tom><video><source src=b.mp4 type=video/mp4></video>",
    "words.html": "No page at all.",
    "plain.html": "<p>No picture",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("site")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    with served(folder) as address:
        yield address


def ended(anyone: httpx.Client, version: str, secret: str, **parameters: Any) -> dict[str, Any]:
    """The status with which a task of this kind ends."""
    task = {"task_name": "html.scrape", **parameters}
    answer = anyone.post(
        f"/{version}/create", json={"secret": secret, "tasks": task, "block": True}
    )
    assert answer.status_code == 200, answer.text
    (status,) = answer.json()
    assert isinstance(status, dict)
    return status


@VERSIONS
def test_hits_and_title(anyone: httpx.Client, secret: str, site: str, version: str) -> None:
    status = ended(anyone, version, secret, url=f"{site}/cats.html")
    assert status["status"] == "success"
    assert status["result"] == {
        "page_title": "Two cats",
        "hits": [
            {
                "type": "image",
                "url": "https://cdn.example/a.jpg",
                "width": 40,
                "height": 30,
                "title": "Tom",
                "mime": None,
            },
            {
                "type": "video",
                "url": "https://cdn.example/b.mp4",
                "width": None,
                "height": None,
                "title": None,
                "mime": "video/mp4",
            },
        ],
    }


@VERSIONS
def test_a_page_without_any(anyone: httpx.Client, secret: str, site: str, version: str) -> None:
    status = ended(anyone, version, secret, url=f"{site}/plain.html")
    assert status["result"] == {"page_title": None, "hits": []}


@VERSIONS
def test_no_page(anyone: httpx.Client, secret: str, site: str, version: str) -> None:
    status = ended(anyone, version, secret, url=f"{site}/words.html")
    assert status["status"] == "error"
    assert "The file is a text, not a web page." in str(status)
    wrong = ended(anyone, version, secret)
    assert wrong["status"] == "error"
    assert "url" in str(wrong.get("error", wrong))
