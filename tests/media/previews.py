"""What ingestion makes of a video to show it, without ingesting."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from tests.media.house import House
from vitascope.media.v1 import internal_pb2

Role = internal_pb2.Role
CUES = """WEBVTT

00:00:00.000 --> 00:00:01.000
storyboard.jpg#xywh=0,0,160,90

00:00:01.000 --> 00:00:02.000
storyboard.jpg#xywh=160,0,160,90
"""


@dataclass(frozen=True)
class Preview:
    """A file: its name and type, and what is in it."""

    file_name: str
    content_type: str
    data: bytes

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.data).hexdigest()}"'


PREVIEWS: Mapping[Role.ValueType, Preview] = {
    internal_pb2.ROLE_THUMBNAIL_SMALL: Preview("film-small.jpg", "image/jpeg", b"small" * 100),
    internal_pb2.ROLE_THUMBNAIL_LARGE: Preview("film-large.jpg", "image/jpeg", b"large" * 900),
    internal_pb2.ROLE_WEB_VIDEO: Preview(
        "Søren – web.mp4", "video/mp4", bytes(range(256)) * 10_000
    ),
    internal_pb2.ROLE_STORYBOARD: Preview("storyboard.jpg", "image/jpeg", b"board" * 700),
    internal_pb2.ROLE_STORYBOARD_INDEX: Preview("storyboard.vtt", "text/vtt", CUES.encode()),
}
SMALL, LARGE, WEB, BOARD, INDEX = PREVIEWS.values()


async def add_previews(
    house: House,
    video_id: str,
    previews: Mapping[Role.ValueType, Preview] = PREVIEWS,
    *,
    attempt: int = 1,
) -> None:
    """Commit the files as a worker does."""
    item = f"INGEST-{video_id}"
    request = internal_pb2.CommitOutputsRequest(item_id=item, attempt=attempt)
    request.destination.video.video_id = video_id
    for role, preview in previews.items():
        name = Role.Name(role).lower()
        key = f"work/{item}/{attempt}/{name}"
        (house.folder / key).parent.mkdir(parents=True, exist_ok=True)
        (house.folder / key).write_bytes(preview.data)
        request.outputs.add(
            name=name,
            storage_key=key,
            size=len(preview.data),
            sha256=preview.etag.strip('"'),
            content_type=preview.content_type,
            file_name=preview.file_name,
            role=role,
        )
    await house.call("CommitOutputs", request)
