"""Videos of `video`, frames with known players, `object` and `embed`."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from services.media.engine.pages.hits import IMAGE, VIDEO, Hit, mime_of, pixels, wording
from services.media.engine.pages.pictures import Attributes, lazy_address

_VIDEO_FILE = re.compile(
    r"\.(?:mp4|m4v|mov|webm|mkv|avi|wmv|flv|f4v|ogv|mpe?g|m2ts|3gp|m3u8|mpd)$", re.IGNORECASE
)
_IMAGE_FILE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|svg|bmp|tiff?)$", re.IGNORECASE)
# Host and path of what shows a video in a frame of another page.
_PLAYERS = re.compile(
    r"""(?:
    (?:[a-z-]+\.)?youtube(?:-nocookie)?\.com/(?:embed|v|e|shorts)/
  | youtu\.be/[\w-]{6}
  | player\.vimeo\.com/video/ | vimeo\.com/(?:moogaloop|\d)
  | (?:www\.|geo\.)?dailymotion\.com/(?:embed/|swf/|player) | dai\.ly/
  | (?:www\.)?facebook\.com/(?:[a-z0-9.]+/)?plugins/video
  | player\.twitch\.tv/ | clips\.twitch\.tv/embed
  | (?:fast\.|home\.)?wistia\.(?:net|com)/embed/(?:iframe|playlists)/
  | players\.brightcove\.net/ | (?:cdn\.jwplayer|content\.jwplatform)\.com/players/
  | (?:www\.)?loom\.com/embed/ | streamable\.com/[eo]/ | embed\.ted\.com/
  | (?:www\.)?tiktok\.com/(?:embed|player) | player\.bilibili\.com/
  | (?:www\.)?rutube\.ru/play/embed/ | (?:www\.)?ok\.ru/videoembed/
  | (?:www\.)?vk(?:video)?\.(?:com|ru)/video_ext\.php | archive\.org/embed/
  | (?:www\.)?bitchute\.com/embed/ | rumble\.com/embed/ | odysee\.com/\$/embed/
  | iframe\.mediadelivery\.net/ | player\.kaltura\.com/ | [a-z0-9.-]*\.videodelivery\.net/
  | upload\.wikimedia\.org/.*\.(?:webm|ogv)
  | [a-z0-9.-]+/videos/embed/
    )""",
    re.VERBOSE | re.IGNORECASE,
)


def framed(attributes: Attributes) -> Hit | None:
    """The video of an `iframe`: of a known player or a file."""
    for url in (attributes.get("src"), lazy_address(attributes)):
        if url and is_video(url):
            return _hit(VIDEO, url, attributes)
    return None


def embedded(attributes: Attributes) -> Hit | None:
    """What an `object` or `embed` shows, if it is an image or a video."""
    url = attributes.get("data") or attributes.get("src") or attributes.get("movie")
    if not url:
        return None
    mime = mime_of(attributes.get("type"))
    if is_video(url) or (mime or "").startswith("video/"):
        return _hit(VIDEO, url, attributes)
    if (mime or "").startswith("image/") or _IMAGE_FILE.search(_parts(url)[1]):
        return _hit(IMAGE, url, attributes)
    return None


def is_video(url: str) -> bool:
    """Whether an address looks like one of a known player, or of a video file."""
    host, path = _parts(url)
    return bool(_VIDEO_FILE.search(path) or _PLAYERS.match(host + path))


class Film:
    """A `video` element: one hit, by the first address that it names, and its poster."""

    def __init__(self, attributes: Attributes) -> None:
        self._attributes = attributes
        self._is_told = False

    def begin(self) -> Iterator[Hit]:
        """What its own tag tells."""
        url = self._attributes.get("src", "").strip()
        if not url or url.startswith("blob:"):
            url = lazy_address(self._attributes) or ""
        if url:
            yield from self.offer({"src": url, "type": self._attributes.get("type", "")})

    def offer(self, source: Attributes) -> Iterator[Hit]:
        """What a `source` in it tells, unless it was told before."""
        url = source.get("src", "").strip() or lazy_address(source)
        if not url or url.startswith("blob:") or self._is_told:
            return
        hit = _hit(VIDEO, url, self._attributes)
        hit.mime = mime_of(source.get("type"))
        yield hit
        yield from self.end()

    def end(self) -> Iterator[Hit]:
        """The poster, unless it was told before."""
        poster = self._attributes.get("poster") or self._attributes.get("data-poster")
        if poster and not self._is_told:
            yield _hit(IMAGE, poster, {**self._attributes, "type": ""})
        self._is_told = True


def _hit(kind: str, url: str, attributes: Attributes) -> Hit:
    width, height = pixels(attributes.get("width")), pixels(attributes.get("height"))
    title = wording(attributes.get("title")) or wording(attributes.get("aria-label"))
    return Hit(kind, url, width or None, height or None, title, mime_of(attributes.get("type")))


def _parts(url: str) -> tuple[str, str]:
    """Host and path; both empty for what is no address."""
    try:
        parts = urlsplit(url.strip()[:4096])
        return parts.hostname or "", parts.path
    except ValueError:
        return "", ""
