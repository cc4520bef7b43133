"""A browser plays what signed links lead to, from a page of another site."""

import asyncio
from collections.abc import Mapping

from tests.kit.browser import chromium
from tests.media.house import House, bearer, named
from tests.media.material import FILM, SIDEWAYS
from tests.media.previews import PREVIEWS, Preview, Role, add_previews
from vitascope.media.v1 import internal_pb2, media_pb2

MILLISECONDS = 60_000
PAGE = """
<video muted crossorigin="anonymous" src="{web}">
  <track kind="metadata" src="{storyboard}">
</video>
"""
# Seeks near the end, which is a request for a range, and reads back what is shown: a page may do
# that with pictures of another site only if that lets it.
PLAY = """
async () => {
  const video = document.querySelector("video");
  await video.play();
  const seeked = new Promise((done) => (video.onseeked = done));
  video.currentTime = video.duration - 0.5;
  await seeked;
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.drawImage(video, 0, 0, 64, 36);
  const shown = canvas.getImageData(0, 0, 64, 36).data.filter((_, at) => at % 4 < 3);
  return {
    at: video.currentTime,
    duration: video.duration,
    width: video.videoWidth,
    light: Math.max(...shown),
  };
}
"""
CUES = """
async () => {
  const track = document.querySelector("track");
  const loaded = new Promise((done) => (track.onload = done));
  track.track.mode = "hidden";
  await loaded;
  const cue = track.track.cues[0];
  const picture = new Image();
  picture.crossOrigin = "anonymous";
  picture.src = new URL(cue.text, track.src).href;
  await picture.decode();
  return { cues: track.track.cues.length, width: picture.naturalWidth };
}
"""
ALONE = """
async () => {
  const video = document.querySelector("video");
  video.muted = true;
  await video.play();
  return video.videoWidth;
}
"""


async def test_a_page_of_another_site_plays_a_linked_video(house: House, url: str) -> None:
    video_id = house.catalogue.add()
    await add_previews(house, video_id, real_previews())
    made = {}
    for file in ("web", "storyboard"):
        ask = media_pb2.CreateLinkRequest(video_id=video_id, file=file)
        link = await named(house.media.CreateLink(ask, metadata=bearer()))
        made[file] = link.url.replace("https://media.example", url)
    await asyncio.to_thread(watch, made)


def real_previews() -> Mapping[Role.ValueType, Preview]:
    """Previews that a browser can show."""
    return {
        **PREVIEWS,
        internal_pb2.ROLE_WEB_VIDEO: Preview("Søren.mp4", "video/mp4", FILM.read_bytes()),
        internal_pb2.ROLE_STORYBOARD: Preview(
            "storyboard.jpg", "image/jpeg", SIDEWAYS.read_bytes()
        ),
    }


def watch(links: Mapping[str, str]) -> None:
    """Play the video on a page, and then by its address alone."""
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(MILLISECONDS)
        page.set_content(PAGE.format(**links))
        played = page.evaluate(PLAY)
        assert played["duration"] - played["at"] < 1
        assert played["light"] > 0
        cues = page.evaluate(CUES)
        assert cues["cues"] == 2
        assert cues["width"] > 0
        page.goto(links["web"])
        assert page.evaluate(ALONE) == played["width"] > 0
