"""What YouTube's Data API answers: a video, or why there is none."""

import json
import re
from collections.abc import Iterable
from typing import Any

from services.chassis.outside import (
    OutsideError,
    OutsideFailed,
    OutsideRefused,
    Reply,
    retry_after,
    worth_retrying,
)

_WATCH = "https://www.youtube.com/watch?v="
_VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REASON = re.compile(r"[A-Za-z]{1,60}")
_LONGEST_MESSAGE = 300
# Said with 403, which is for good otherwise: too much at once, not too much for today.
_PASSING = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "backendError"})
# A video may be refused though all of it was taken.
_BAD_ENDS = {"failed": "failureReason", "rejected": "rejectionReason"}


def video_address(reply: Reply) -> str:
    """Where the uploaded video is watched. Raises OutsideError."""
    video = _parsed(reply)
    video_id, status = video.get("id"), _mapping(video.get("status"))
    if not isinstance(video_id, str) or not _VIDEO_ID.fullmatch(video_id):
        raise OutsideFailed("YouTube took the video and does not say which it is.")
    end = status.get("uploadStatus")
    if isinstance(end, str) and end in _BAD_ENDS:
        reason = status.get(_BAD_ENDS[end])
        known = f": {reason}" if isinstance(reason, str) and _REASON.fullmatch(reason) else ""
        raise OutsideRefused(f"YouTube took the video, but not to keep it{known}.")
    return _WATCH + video_id


def refusal(reply: Reply, secrets: Iterable[str]) -> OutsideError:
    """What an answer that is an error means, in YouTube's words unless they repeat a secret."""
    error = _mapping(_parsed(reply).get("error"))
    details = error.get("errors")
    first = _mapping(details[0]) if isinstance(details, list) and details else {}
    reason = first.get("reason")
    reason = reason if isinstance(reason, str) and _REASON.fullmatch(reason) else ""
    said = ": ".join(filter(None, (reason, _message(error, secrets))))
    message = f"YouTube answered with status {reply.status}"
    message = (f"{message}, {said}" if said else message).rstrip(".") + "."
    if worth_retrying(reply.status) or reason in _PASSING:
        return OutsideFailed(message, retry_after(reply.headers.get("retry-after", "")))
    return OutsideRefused(message)


def _message(error: dict[str, Any], secrets: Iterable[str]) -> str:
    message = error.get("message")
    if not isinstance(message, str):
        return ""
    # Some have links in them.
    text = " ".join(re.sub(r"<[^<>]*>", "", message[: 4 * _LONGEST_MESSAGE]).split())
    if any(secret and secret in text for secret in secrets):
        return ""
    return text[:_LONGEST_MESSAGE]


def _parsed(reply: Reply) -> dict[str, Any]:
    try:
        return _mapping(json.loads(reply.body))
    except (ValueError, RecursionError):
        return {}


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
