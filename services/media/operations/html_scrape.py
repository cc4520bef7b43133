"""`html.scrape`: finds the images and videos of a web page."""

from dataclasses import asdict

from services.media.operations.contract import GIB, Job, Limits, Operation, Result, Source
from vitascope.tasks.v2.specs_pb2 import HtmlHit, HtmlScrapeResult, HtmlScrapeSpec


def _sources(spec: HtmlScrapeSpec) -> list[Source]:
    return [Source("page", url=spec.url)]


def _run(job: Job[HtmlScrapeSpec]) -> Result:
    from services.media.engine.pages.scraping import scrape

    source = job.sources["page"]
    page = scrape(source.path, source.address or job.spec.url, source.charset)
    hits = (HtmlHit(**asdict(hit)) for hit in page.hits)
    return Result(HtmlScrapeResult(page_title=page.title, hits=hits))


OPERATION = Operation(
    kind="html.scrape",
    spec_type=HtmlScrapeSpec,
    result_type=HtmlScrapeResult,
    limits=Limits(
        memory_bytes=GIB, cpu_seconds=60, output_bytes=0, open_files=64, wall_seconds=120
    ),
    sources=_sources,
    run=_run,
)
