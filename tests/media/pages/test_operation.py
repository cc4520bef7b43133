"""`html.scrape` in the real sandbox, told what the page's server said."""

import asyncio
from pathlib import Path

from google.protobuf.json_format import MessageToDict

from services.media.engine.pages.reader import TOO_DEEP
from services.media.operations import SourceFile, operation
from services.media.sandbox import Ears, Failure, Order, Outcome, Sandbox, Success
from vitascope.tasks.v2.specs_pb2 import HtmlScrapeResult, HtmlScrapeSpec

PAGE = "<title>Кот</title><img src=a.jpg width=4 height=3 alt=Кот><video src=/v.mp4>"


async def scraped(sandbox: Sandbox, folder: Path, page: bytes, **told: str) -> Outcome:
    """Run the kind on a page, of which its server told that."""
    path = folder / "source"
    await asyncio.to_thread(path.write_bytes, page)
    kind = operation("html.scrape")
    spec = HtmlScrapeSpec(url="http://asked.example/a/b.html").SerializeToString()
    source = SourceFile(path, "b.html", "text/html", **told)
    order = Order("account", kind.kind, spec, {"page": source}, kind.limits)
    ears = Ears(lambda percent: None, lambda state: None, lambda known: None)
    return await sandbox.run(order, folder / "made", ears)


async def test_what_the_server_said_counts(sandbox: Sandbox, tmp_path: Path) -> None:
    told = {"charset": "windows-1251", "address": "https://moved.example/c/d.html"}
    outcome = await scraped(sandbox, tmp_path, PAGE.encode("cp1251"), **told)
    assert isinstance(outcome, Success), outcome
    result = HtmlScrapeResult.FromString(outcome.result)
    assert MessageToDict(result, preserving_proto_field_name=True) == {
        "page_title": "Кот",
        "hits": [
            {
                "type": "image",
                "url": "https://moved.example/c/a.jpg",
                "width": 4,
                "height": 3,
                "title": "Кот",
            },
            {"type": "video", "url": "https://moved.example/v.mp4"},
        ],
    }


async def test_without_its_word_the_address_asked_counts(sandbox: Sandbox, tmp_path: Path) -> None:
    outcome = await scraped(sandbox, tmp_path, b"<img src=a.jpg>")
    assert isinstance(outcome, Success), outcome
    result = HtmlScrapeResult.FromString(outcome.result)
    assert [hit.url for hit in result.hits] == ["http://asked.example/a/a.jpg"]
    assert not result.HasField("page_title")


async def test_every_encoding_is_within_reach(sandbox: Sandbox, tmp_path: Path) -> None:
    for charset, codec in {"gbk": "gb18030", "euc-jp": "euc_jp", "windows-1251": "cp1251"}.items():
        outcome = await scraped(
            sandbox, tmp_path, "<title>Я</title>".encode(codec), charset=charset
        )
        assert isinstance(outcome, Success), outcome
        assert HtmlScrapeResult.FromString(outcome.result).page_title == "Я"


async def test_a_hostile_page_is_refused_in_a_sentence(sandbox: Sandbox, tmp_path: Path) -> None:
    assert await scraped(sandbox, tmp_path, b"<div>" * 1_000_000) == Failure(TOO_DEEP)
