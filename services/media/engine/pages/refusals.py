"""What to say of a file that is no web page."""

import re

EMPTY = "The file is empty."
TOO_LARGE = "The page is larger than {} MiB."
PICTURE = "The file is a picture, not a web page."
DRAWING = "The file is an SVG drawing, not a web page."
VIDEO = "The file is a video, not a web page."
SOUND = "The file is a sound, not a web page."
PDF = "The file is a PDF document, not a web page."
ARCHIVE = "The file is an archive or a document, not a web page."
FEED = "The file is a feed or another kind of XML, not a web page."
TEXT = "The file is a text, not a web page."
UNKNOWN = "The file is not a web page."

# Instructions and comments are never read another way, of which there are too many.
_XML = rb"(?:\xef\xbb\xbf)?(?:\s|<\?[^>]*>|<!--.*?-->)*+"
_BEGINNINGS = (
    (PICTURE, rb"\xff\xd8\xff|\x89PNG|GIF8[79]a|RIFF.{4}WEBP|BM.{4}\0{4}|II[*+]\0|MM\0[*+]|8BPS"),
    (PICTURE, rb"\0\0\0\x0c(?:jP  |JXL )|\xff\x4f\xff\x51|\xff\x0a|\0\0\x01\0"),
    (PICTURE, rb".{4}ftyp(?:avi[fs]|he[iv][cfmsx]|mif1|msf1|miaf)"),
    (DRAWING, _XML + rb"(?:<!DOCTYPE svg[^>\[]*(?:\[.*?\]\s*)?>\s*)?<svg\b"),
    (PDF, rb"\s*%PDF-"),
    (ARCHIVE, rb"PK\x03\x04|\xd0\xcf\x11\xe0|\x1f\x8b|Rar!|7z\xbc\xaf|BZh|\xfd7zXZ"),
    (SOUND, rb"ID3|fLaC|(?:RIFF|RF64).{4}WAVE|FORM.{4}AIF[FC]|OggS|.{4}ftypM4A"),
    (SOUND, rb"\xff[\xf1-\xf3\xf9-\xfb]"),
    (VIDEO, rb".{4}(?:ftyp|moov|mdat)|\x1a\x45\xdf\xa3|RIFF.{4}AVI |FLV\x01|\x30\x26\xb2\x75"),
    (VIDEO, rb"\0\0\x01[\xb3\xba]|G.{187}G.{187}G"),
    (FEED, _XML + rb"<(?:rss|feed|rdf:RDF|urlset|sitemapindex|MPD|smil)\b"),
)
_KINDS = tuple((words, re.compile(start, re.DOTALL)) for words, start in _BEGINNINGS)
_HEAD_BYTES = 4096
# What no text holds: control characters but for tabs and ends of lines and pages.
_NO_TEXT = re.compile("[\1-\x08\x0b\x0e-\x1a\x1c-\x1f]")


def why_not_a_page(head: bytes, codec: str) -> str | None:
    """One sentence on a file that is no page, from its beginning; None for what may be one."""
    for words, beginning in _KINDS:
        if beginning.match(head[:_HEAD_BYTES]):
            return words
    text = head[:_HEAD_BYTES].decode(codec, "replace")
    # A page with a few zero bytes by mistake is one still; a file full of them is none.
    is_binary = text.count("\0") * 10 > len(text) or len(_NO_TEXT.findall(text)) * 50 > len(text)
    return UNKNOWN if is_binary else None
