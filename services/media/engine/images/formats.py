"""Which pictures can be read, and what to say of a file that is none of them."""

import re
from pathlib import Path

from pi_heif import register_heif_opener
from PIL import Image

from services.media.engine.xml_beginnings import BEFORE_ELEMENTS

# Pillow would look for its formats at the first picture, in every child anew.
Image.init()
# Workers run as many items at a time as they have processors.
register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)

# By Pillow's names. Left out on purpose: whatever runs programs (EPS), or
# whose decoders nobody tends.
FORMATS = ("AVIF", "BMP", "GIF", "HEIF", "JPEG", "JPEG2000", "PNG", "TIFF", "WEBP")

MAX_PIXELS = 200_000_000
# Pillow refuses a picture, or a frame of it, above twice its own limit.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2

NOT_A_PICTURE = "The file is not a picture in a format that can be read."
DAMAGED = "The picture is damaged or cut off."
# Kinds of TIFF are without number, and Pillow does not tell those that it does not know.
BAD_TIFF = "The picture is damaged, or a TIFF of a kind that cannot be read: send it as PNG."
SVG = "The file is an SVG drawing, which cannot be read: send it as PNG."
UNREAD = "The picture is in a format that cannot be read: send it as JPEG or PNG."
DOCUMENT = "The file is a document, not a picture."
VIDEO = "The file is a video, not a picture."
SOUND = "The file is a sound, not a picture."
PAGE = "The file is a web page, not a picture."
TEXT = "The file is a text, not a picture."

_HEAD_BYTES = 4096
_XML = BEFORE_ELEMENTS + rb"(?:<!DOCTYPE svg.*?>\s*)?"
_BEGINNINGS = (
    # Of the formats that are read: what opens none of them is damaged.
    (DAMAGED, rb"\xff\xd8\xff|\x89PNG|GIF8[79]a|RIFF.{4}WEBP|BM.{4}\0{4}"),
    (BAD_TIFF, rb"II[*+]|MM\0[*+]"),
    (DAMAGED, rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51|.{4}ftyp(?:avi[fs]|he[iv][cfmsx]|mif1|msf1|miaf)"),
    (SVG, _XML + rb"<svg\b"),
    # JPEG XL, Photoshop, icons, OpenEXR, DPX, Radiance, DDS, portable maps, PostScript.
    (UNREAD, rb"\xff\x0a|\0\0\0\x0cJXL |8BPS|\0\0\x01\0|v/1\x01|SDPX|XPDS"),
    (UNREAD, rb"#\?RADIANCE|DDS |P[1-7]\s|%!PS"),
    (DOCUMENT, rb"%PDF|PK\x03\x04|\xd0\xcf\x11\xe0"),
    (SOUND, rb"ID3|fLaC|(?:RIFF|RF64).{4}WAVE|FORM.{4}AIF[FC]|OggS|.{4}ftypM4A"),
    (SOUND, rb"\xff[\xf1\xf9\xfa\xfb]"),
    (VIDEO, rb".{4}(?:ftyp|moov|mdat)|\x1a\x45\xdf\xa3|RIFF.{4}AVI |FLV|\x30\x26\xb2\x75|\0\0\x01"),
    (VIDEO, rb"G.{187}G.{187}G"),
    (PAGE, _XML + rb"<(?i:!DOCTYPE html|html|head|body)\b"),
)
_KINDS = tuple((words, re.compile(start, re.DOTALL)) for words, start in _BEGINNINGS)
# What no text holds: control characters but for tabs and ends of lines and pages.
_NO_TEXT = re.compile(rb"[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]")


def why_not_a_picture(path: Path) -> str:
    """One sentence on a file that no reader of pictures takes."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    for words, beginning in _KINDS:
        if beginning.match(head):
            return words
    return NOT_A_PICTURE if _NO_TEXT.search(head) else TEXT
