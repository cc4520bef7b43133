"""Files that try to make whoever reads them touch other files or hosts, and what notices it."""

import ctypes
import io
import os
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from PIL import Image

from tests.media.material import make_video

_LIBC = ctypes.CDLL(None, use_errno=True)
_IN_ACCESS, _IN_OPEN = 0x1, 0x20


@dataclass(frozen=True)
class Canary:
    """A film that nobody but its owner may open, and a server that nobody may ask."""

    path: Path
    url: str
    _notify: int
    _asked: list[str]

    def touched(self) -> bool:
        """Whether anybody opened the file or asked the server since the last look."""
        asked = bool(self._asked)
        self._asked.clear()
        try:
            return bool(os.read(self._notify, 4096)) or asked
        except BlockingIOError:
            return asked


@contextmanager
def watched(folder: Path) -> Iterator[Canary]:
    """A canary in a folder of its own, under observation."""
    folder.mkdir()
    path = folder / "canary.ts"
    make_video(path, range(0, 400, 40), codec="libx264")
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    notify = _LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    assert _LIBC.inotify_add_watch(notify, os.fsencode(path), _IN_ACCESS | _IN_OPEN) >= 0
    try:
        yield Canary(path, f"http://127.0.0.1:{server.server_port}/canary.ts", notify, asked)
    finally:
        os.close(notify)
        server.shutdown()
        server.server_close()


def hls(*addresses: str) -> bytes:
    """An HTTP Live Streaming playlist."""
    pieces = "".join(f"#EXTINF:1,\n{address}\n" for address in addresses)
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n{pieces}#EXT-X-ENDLIST\n".encode()


def dash(address: str) -> bytes:
    """A DASH manifest with one segment."""
    return f"""<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S"
 profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet mimeType="video/mp2t">
<Representation id="1" bandwidth="1"><BaseURL>{address}</BaseURL></Representation></AdaptationSet>
</Period></MPD>""".encode()


def box(kind: bytes, *parts: bytes) -> bytes:
    """An ISO box."""
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


_PARENTS = {b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl"}


def changed(boxes: bytes, kind: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """ISO boxes in which each of a kind, however deep, has another body."""
    made, position = [], 0
    while position < len(boxes):
        (size,) = struct.unpack_from(">I", boxes, position)
        name, body = boxes[position + 4 : position + 8], boxes[position + 8 : position + size]
        if name == kind:
            body = change(body)
        elif name in _PARENTS:
            body = changed(body, kind, change)
        made.append(box(name, body))
        position += size
    return b"".join(made)


def film(folder: Path) -> bytes:
    """A film of ten frames as MP4, its index behind its frames."""
    path = folder / "plain.mp4"
    make_video(path, range(0, 400, 40))
    return path.read_bytes()


def elsewhere(mp4: bytes, path: Path) -> bytes:
    """The film, whose frames are said to lie in another file: a QuickTime alias."""
    name = os.fsencode(path)
    name += bytes(len(name) % 2)
    alias = bytes(10) + bytes(28) + bytes(12) + bytes(64) + bytes(16)
    alias += struct.pack(">hh", -1, -1) + bytes(16)
    alias += struct.pack(">hH", 2, len(name)) + name + struct.pack(">hH", -1, 0) + bytes(40)
    entry = box(b"alis", bytes(4), alias)
    return changed(mp4, b"dref", lambda _: bytes(4) + struct.pack(">I", 1) + entry)


def chunk(kind: bytes, *parts: bytes) -> bytes:
    """A RIFF chunk."""
    body = b"".join(parts)
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def subtitled(playlist: bytes) -> bytes:
    """An AVI film whose subtitles are a file of their own, which FFmpeg opens as one (GAB2)."""
    picture = io.BytesIO()
    Image.new("RGB", (16, 16)).save(picture, "JPEG")
    numbers = struct.pack("<11I", 0, 0, 0, 0, 1, 25, 0, 1, 0, 0, 0)
    main = struct.pack("<14I", 40_000, 0, 0, 16, 1, 0, 2, 0, 16, 16, 0, 0, 0, 0)
    bitmap = struct.pack("<IiiHH4sIiiII", 40, 16, 16, 1, 24, b"MJPG", 768, 0, 0, 0, 0)
    streams = [
        chunk(
            b"LIST",
            b"strl",
            chunk(b"strh", kind, numbers, struct.pack("<4H", 0, 0, 16, 16)),
            chunk(b"strf", described),
        )
        for kind, described in ((b"vidsMJPG", bitmap), (b"txtsDXSB", b""))
    ]
    inner = b"GAB2\0" + struct.pack("<HIHI", 2, 0, 4, len(playlist)) + playlist
    films = chunk(b"LIST", b"movi", chunk(b"01tx", inner), chunk(b"00dc", picture.getvalue()))
    head = chunk(b"LIST", b"hdrl", chunk(b"avih", main), *streams)
    return chunk(b"RIFF", b"AVI ", head, films)


def png(width: int, height: int, body: bytes = b"") -> bytes:
    """A PNG of one bit a pixel that declares a size; without a body it has no pixels."""

    def piece(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + piece(b"IHDR", header) + piece(b"IDAT", body) + piece(b"IEND", b"")
    )
