"""The store `youtube`: the resumable upload of YouTube's Data API, version 3.

https://developers.google.com/youtube/v3/guides/using_resumable_upload_protocol: a POST with what
is known of the video is answered with the address of a session; the file is PUT there in chunks,
each answered by 308 and how much has arrived; after a break an empty PUT asks that. The last chunk
is answered with the video.

The session is saved before a byte is sent to it, so that whoever goes on sends to the same one, and
a session becomes one video at most. Where it cannot be known whether a lost session has become one,
the upload ends with an error instead of a second video.
"""

import asyncio
import json
import re
from dataclasses import replace
from urllib.parse import urlencode

from google.protobuf.message import Message

from services.chassis.outside import (
    FilePart,
    OutsideFailed,
    OutsideRefused,
    Policy,
    Reply,
    send,
)
from services.chassis.outside.urls import checked, redirected
from services.chassis.settings import YOUTUBE
from services.media.operations import BadMedia, Output
from services.media.worker.outputs import output_fields
from services.media.worker.stores.sending import Sending
from services.media.worker.stores.youtube_answers import refusal, video_address
from vitascope.media.v1.internal_pb2 import Destination, YoutubeDestination

_GOOGLE = ".googleapis.com"
_GRANULE = 256 << 10
"""Chunks but the last are a multiple of this long."""

CHUNK_BYTES = 128 * _GRANULE
_SECONDS_A_CHUNK = 900.0
_TRIES = 6
_FIRST_DELAY = 1.0
_LONGEST_DELAY = 30.0
_ARRIVED = re.compile(r"(?:bytes[ =])?0-(\d{1,18})")
_GONE = frozenset({404, 410})
_FORGOTTEN = (
    "YouTube knows no more of an upload that may have been whole: "
    "see whether the video is there before it is sent again."
)


class Youtube:
    """Uploads videos by the API at `base`; a base that is not Google's is the operator's."""

    def __init__(
        self,
        base: str,
        policy: Policy,
        *,
        chunk_bytes: int = CHUNK_BYTES,
        first_delay: float = _FIRST_DELAY,
    ) -> None:
        own = base != YOUTUBE
        self.base = base
        self.policy = replace(policy, max_seconds=_SECONDS_A_CHUNK, allow_private=own)
        self.chunk_bytes = chunk_bytes
        self.first_delay = first_delay

    async def send(self, destination: Destination, sending: Sending) -> str:
        """Upload the file as a video; the address at which it is watched.

        Raises OutsideError, and VitascopeError of `sending.save`.
        """
        if not sending.size:
            raise OutsideRefused("YouTube takes no empty video.")
        return await _Upload(self, destination.youtube, sending).run()


class _SessionGone(Exception):
    """The session is not known any more."""


class _Upload:
    def __init__(self, youtube: Youtube, place: YoutubeDestination, sending: Sending) -> None:
        self._youtube = youtube
        self._place = place
        self._sending = sending
        self._delivery = sending.delivery
        # How much has arrived; None when it has to be asked.
        self._arrived: int | None = None

    async def run(self) -> str:
        delay, tries = self._youtube.first_delay, _TRIES
        most = 0
        while True:
            wait = 0.0
            try:
                if address := await self._step():
                    return address
                if (self._arrived or 0) > most:
                    most, tries, delay = self._arrived or 0, _TRIES, self._youtube.first_delay
                    continue
                trouble = OutsideFailed("YouTube takes nothing more of the video.")
            except _SessionGone:
                self._delivery.session = ""
                most, trouble = 0, OutsideFailed("YouTube forgets the upload again and again.")
            except OutsideFailed as error:
                self._arrived, trouble, wait = None, error, error.retry_after or 0.0
            tries -= 1
            if tries <= 0 or wait > _LONGEST_DELAY:
                raise trouble
            await asyncio.sleep(max(delay, wait))
            delay = min(2 * delay, _LONGEST_DELAY)

    async def _step(self) -> str | None:
        """Do the next thing; the video's address once it is there."""
        if not self._delivery.session:
            await self._begin()
        elif self._arrived is None or self._arrived >= self._sending.size:
            return await self._ask()
        return await self._put(self._arrived or 0)

    async def _begin(self) -> None:
        """Have a session, and save it."""
        place, file = self._place, self._delivery.file
        query = {"uploadType": "resumable", "part": "snippet,status"}
        if place.developer_key:
            query["key"] = place.developer_key
        url = f"{self._youtube.base}/upload/youtube/v3/videos?{urlencode(query)}"
        headers = {
            "content-type": "application/json; charset=UTF-8",
            "x-upload-content-length": str(file.size),
            "x-upload-content-type": file.content_type,
        }
        reply = await self._said("POST", url, headers, _described(place))
        location = reply.headers.get("location")
        if reply.status not in (200, 201) or location is None:
            raise refusal(reply, self._secrets())
        self._delivery.session = self._trusted(location)
        self._delivery.closing = file.size <= self._youtube.chunk_bytes
        self._arrived = 0
        await self._sending.save()

    async def _put(self, start: int) -> str | None:
        """Send the chunk that begins there."""
        size = self._sending.size
        length = min(self._youtube.chunk_bytes, size - start)
        if start + length == size and not self._delivery.closing:
            self._delivery.closing = True
            await self._sending.save()
        headers = {
            "content-type": self._delivery.file.content_type,
            "content-range": f"bytes {start}-{start + length - 1}/{size}",
        }
        part = FilePart(self._sending.path, length, start)
        # Not known until it is answered.
        self._arrived = None
        reply = await self._said("PUT", self._delivery.session, headers, part)
        if reply.status in _GONE:
            # Had it become a video with this chunk, it would have been answered.
            self._delivery.closing = False
        return self._understood(reply)

    async def _ask(self) -> str | None:
        """Ask how much has arrived."""
        headers = {"content-range": f"bytes */{self._sending.size}"}
        return self._understood(await self._said("PUT", self._delivery.session, headers, b""))

    def _understood(self, reply: Reply) -> str | None:
        if reply.status in (200, 201):
            return video_address(reply)
        if reply.status == 308:
            told = _ARRIVED.fullmatch(reply.headers.get("range", "").strip())
            self._arrived = int(told[1]) + 1 if told else 0
            self._sending.progress(min(self._arrived / self._sending.size, 1.0))
            return None
        if reply.status in _GONE:
            if self._delivery.closing:
                raise OutsideRefused(_FORGOTTEN)
            raise _SessionGone
        raise refusal(reply, self._secrets())

    async def _said(
        self, method: str, url: str, headers: dict[str, str], body: bytes | FilePart
    ) -> Reply:
        start = body.start if isinstance(body, FilePart) else None

        def sent(count: int) -> None:
            if start is not None:
                self._sending.progress((start + count) / self._sending.size)

        credentials = {"authorization": f"Bearer {self._place.access_token}"}
        policy = self._youtube.policy
        return await send(
            method, url, policy=policy, headers=headers | credentials, body=body, on_sent=sent
        )

    def _trusted(self, location: str) -> str:
        """Where a session is: the token goes to nobody else. Raises OutsideRefused."""
        base = checked(self._youtube.base)
        there = redirected(base, location)
        is_same = (there.scheme, there.netloc) == (base.scheme, base.netloc)
        if not is_same and not (there.scheme == "https" and there.host.endswith(_GOOGLE)):
            raise OutsideRefused("YouTube's API leads the upload to another server.")
        return str(there)

    def _secrets(self) -> list[str]:
        return [self._place.access_token, self._place.developer_key]


def the_video(result: Message, outputs: tuple[Output, ...]) -> Output:
    """The output that is uploaded: the video that the kind's result names last.

    Before it there may be a preview of it. Raises BadMedia where there is none.
    """
    made = {output.name: output for output in outputs}
    named = [made[name] for name in output_fields(result) if name in made]
    videos = [output for output in named if output.content_type.startswith("video/")]
    if not videos:
        raise BadMedia("YouTube takes videos, and the task made none")
    return videos[-1]


def _described(place: YoutubeDestination) -> bytes:
    snippet: dict[str, object] = {"title": place.title}
    if place.description:
        snippet["description"] = place.description
    if place.tags:
        snippet["tags"] = list(place.tags)
    if place.HasField("category_id"):
        snippet["categoryId"] = str(place.category_id)
    status = {"privacyStatus": place.privacy_status or "public"}
    return json.dumps({"snippet": snippet, "status": status}).encode()
