"""Real pages, beside what a browser makes of them."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page as Tab

from services.media.engine.pages.scraping import scrape
from tests.kit.browser import chromium
from tests.media.material import COLLECTION, collection
from tests.media.pages.writing import ADDRESS

PAGES = pytest.mark.parametrize("name", collection("html/", "hostile_made/og_hostile"))
# Parsed as a document of its own, in which no script runs and nothing is loaded.
LOOK = """([html, address]) => {
  const page = new DOMParser().parseFromString(html, 'text/html')
  const based = page.querySelector('base[href]')
  const base = based ? new URL(based.getAttribute('href'), address).href : address
  const absolute = (text) => {
    try {
      const url = new URL(text, base)
      url.hash = ''
      return /^https?:$/.test(url.protocol) ? url.href : null
    } catch { return null }
  }
  const set = (text) => (text || '').split(/,\\s+/).map((each) => each.trim().split(/\\s+/)[0])
  const offers = (element) => ['src', 'data-src'].map((name) => element.getAttribute(name))
    .concat(set(element.getAttribute('srcset')))
  const known = (texts) => texts.filter(Boolean).map(absolute).filter(Boolean)
  const is_dot = (image) => image.getAttribute('width') === '1' && image.getAttribute('height') === '1'
  const anywhere = [...page.querySelectorAll('*')].flatMap((element) =>
    [...element.attributes].flatMap((each) => [each.value, ...set(each.value)]))
  return {
    title: page.title,
    pictures: [...page.querySelectorAll('img')].filter((image) => !is_dot(image)).map((image) =>
      known([image, ...image.parentElement.querySelectorAll(':scope > source')].flatMap(offers))),
    cards: known([...page.querySelectorAll('[property="og:image"], [name="twitter:image"]')]
      .map((element) => element.getAttribute('content'))),
    videos: known([...page.querySelectorAll('video[src], iframe[src*="/embed/"], iframe[src*="/video/"]')]
      .map((element) => element.getAttribute('src'))),
    anywhere: [...new Set(known(anywhere))],
  }
}"""  # noqa: E501
# What the manifest says of the pages, after duplicates, dots and data: images are left out.
COUNTS = {
    "html/base_url_base_element.html": (3, 0),
    "html/data_url_image.html": (1, 0),
    "html/ebb_org.html": (2, 0),
    "html/embedded_videos.html": (0, 3),
    "html/firefox_nightly_blog.html": (6, 0),
    "html/lazy_image_3.html": (2, 0),
    "html/mozilla_1.html": (7, 0),
    "html/turtle_og.html": (3, 0),
    "html/v8_blog.html": (1, 0),
    "html/wikipedia_3.html": (58, 0),
    "html/wikipedia_mozilla.html": (15, 0),
    "hostile_made/og_hostile.html": (3, 1),
}


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    with chromium() as browser:
        yield browser.new_page()


@PAGES
def test_a_browser_sees_the_same(name: str, tab: Tab) -> None:
    path = COLLECTION / name
    found = scrape(path, ADDRESS, None)
    seen: dict[str, Any] = tab.evaluate(LOOK, [path.read_text(errors="replace"), ADDRESS])
    images = [hit.url for hit in found.hits if hit.type == "image"]
    videos = [hit.url for hit in found.hits if hit.type == "video"]

    assert found.title == seen["title"]
    for candidates in filter(None, seen["pictures"]):
        assert not set(candidates).isdisjoint(images), candidates
    assert set(seen["cards"]) <= set(images)
    assert set(seen["videos"]) <= set(videos)
    assert set(images + videos) <= set(seen["anywhere"])
    # In page order: each picture's hit stands where the first of its elements does.
    places = [images.index(url) for each in seen["pictures"] for url in each if url in images]
    firsts = list(dict.fromkeys(places))
    assert [place for place in firsts if images[place] not in seen["cards"]] == sorted(
        place for place in firsts if images[place] not in seen["cards"]
    )


@PAGES
def test_as_many_as_the_page_has(name: str) -> None:
    hits = scrape(COLLECTION / name, ADDRESS, None).hits
    kinds = [hit.type for hit in hits]
    assert (kinds.count("image"), kinds.count("video")) == COUNTS[name]
    assert len({(hit.type, hit.url) for hit in hits}) == len(hits)
