"""A stand-in for YouTube's Data API: resumable uploads as Google documents them, and their faults.

Sources: https://developers.google.com/youtube/v3/guides/using_resumable_upload_protocol and
https://developers.google.com/youtube/v3/docs/videos/insert, and for a session of which nothing has
arrived (308 without Range) https://github.com/googleapis/google-cloud-cpp/issues/7835.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ya29.a-token-of-a-user"
KEY = "AIzaSy-key-of-an-application"
GRANULE = 256 << 10
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)")


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request.

    `status` is answered instead of doing anything, for `reason`. Else `keep` bytes of the chunk
    arrive, and then the connection `breaks` or 308 is answered. `forgets` loses the session first.
    """

    status: int = 0
    reason: str = ""
    keep: int | None = None
    breaks: bool = False
    forgets: bool = False
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Session:
    """An upload: what was said of the video, and what has arrived of it."""

    about: dict[str, Any]
    size: int
    content_type: str
    data: bytearray = field(default_factory=bytearray)
    video_id: str | None = None


class Youtube:
    """The state of the stand-in: its sessions, its videos, its log, and the faults to come."""

    def __init__(self) -> None:
        self.url = ""
        self._lock = threading.Lock()
        self.start_over()

    def start_over(self) -> None:
        """Forget all that was; nobody may be under way."""
        self.sessions: dict[str, Session] = {}
        self.videos: dict[str, Session] = {}
        # Method and Content-Range of what came, and the status of the answer; 0 for none.
        self.log: list[tuple[str, str, int]] = []
        # By which request of its kind, from 0: a POST, or a PUT.
        self.faults: dict[tuple[str, int], Fault] = {}
        # Closed: PUTs wait before they are answered.
        self.open = threading.Event()
        self.open.set()
        self._held = threading.Event()
        self._counts = {"POST": 0, "PUT": 0}

    def fault(self, method: str) -> Fault | None:
        """What goes wrong with the request that comes now."""
        with self._lock:
            number = self._counts[method]
            self._counts[method] += 1
            return self.faults.get((method, number))

    def is_held(self) -> bool:
        """Whether a PUT waits for its answer."""
        return self._held.is_set()

    def hold(self) -> None:
        """Wait until it is open."""
        if not self.open.is_set():
            self._held.set()
            self.open.wait()

    def begin(self, about: dict[str, Any], size: int, content_type: str) -> str:
        """A new session's address."""
        with self._lock:
            name = f"session-{self._counts['POST']}"
            self.sessions[name] = Session(about, size, content_type)
        path = "/upload/youtube/v3/videos?uploadType=resumable&part=snippet,status"
        return f"{self.url}{path}&upload_id={name}"

    def store(self, session: Session, start: int, data: bytes) -> None:
        """Take bytes that follow those that are there; the last make a video."""
        with self._lock:
            if session.video_id is None and start == len(session.data):
                session.data += data
                if len(session.data) == session.size:
                    session.video_id = f"video-{len(self.videos)}"
                    self.videos[session.video_id] = session


class _Handler(BaseHTTPRequestHandler):
    youtube: Youtube
    # Those of 1.0 are not asked whether they want a body.
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        query = parse_qs(urlsplit(self.path).query)
        if fault := self.youtube.fault("POST"):
            return self._refuse(fault.status, fault.reason, **fault.headers)
        if not self._is_authorized() or query.get("key") != [KEY]:
            return self._refuse(401, "authError")
        if query["uploadType"] != ["resumable"] or query["part"] != ["snippet,status"]:
            return self._refuse(400, "badRequest")
        about = json.loads(body)
        if not about["snippet"]["title"]:
            return self._refuse(400, "invalidTitle")
        size = int(self.headers["x-upload-content-length"])
        address = self.youtube.begin(about, size, self.headers["x-upload-content-type"])
        return self._answer(200, location=address)

    def do_PUT(self) -> None:
        fault = self.youtube.fault("PUT") or Fault()
        name = parse_qs(urlsplit(self.path).query)["upload_id"][0]
        if fault.forgets:
            self.youtube.sessions.pop(name, None)
        if fault.status:
            self.rfile.read(int(self.headers["content-length"]))
            return self._refuse(fault.status, fault.reason, **fault.headers)
        session = self.youtube.sessions.get(name)
        told = _RANGE.fullmatch(self.headers["content-range"])
        if session is None or not self._is_authorized() or not told:
            self.rfile.read(int(self.headers["content-length"]))
            status = 404 if session is None else 400 if not told else 401
            return self._refuse(status, "notFound" if session is None else "badRequest")
        if told[1] is not None and not self._take(session, int(told[1]), int(told[2]), fault):
            return None
        self.youtube.hold()
        if session.video_id:
            video = session.about | {"id": session.video_id, "kind": "youtube#video"}
            video["status"] = video["status"] | {"uploadStatus": "uploaded"}
            return self._answer(200, json.dumps(video).encode())
        if session.data:
            return self._answer(308, range=f"bytes=0-{len(session.data) - 1}")
        return self._answer(308)

    def _take(self, session: Session, start: int, end: int, fault: Fault) -> bool:
        """Take a chunk; False when the connection is cut or the chunk refused."""
        length = end - start + 1
        is_last = end + 1 == session.size
        if length != int(self.headers["content-length"]) or (length % GRANULE and not is_last):
            self._refuse(400, "badRequest")
            return False
        keep = length if fault.keep is None else fault.keep
        self.youtube.store(session, start, self.rfile.read(keep))
        if fault.breaks:
            self._note(0)
            self.connection.close()
            self.close_connection = True
            return False
        self.rfile.read(length - keep)
        return True

    def _is_authorized(self) -> bool:
        return bool(self.headers["authorization"] == f"Bearer {TOKEN}")

    def _refuse(self, status: int, reason: str, **headers: str) -> None:
        details = {"domain": "youtube", "reason": reason, "message": "Because."}
        message = f"Because of {reason}, see <a href='/x'>there</a>."
        error = {"code": status, "message": message, "errors": [details]}
        self._answer(status, json.dumps({"error": error}).encode(), **headers)

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self._note(status)
        self.send_response_only(status)
        self.close_connection = True
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _note(self, status: int) -> None:
        self.youtube.log.append((self.command, self.headers["content-range"] or "", status))


@contextmanager
def youtube_stand_in() -> Iterator[Youtube]:
    """A stand-in on a free loopback port, for as long as it is needed."""
    youtube = Youtube()
    handler = type("Handler", (_Handler,), {"youtube": youtube})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    youtube.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield youtube
    finally:
        youtube.open.set()
        server.shutdown()
        server.server_close()
