"""Uploads in several requests (tus 1.0): their record, what headers say, and what goes wrong."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.chassis.errors import (
    Conflict,
    Invalid,
    NotFound,
    Violation,
    VitascopeError,
    WrongState,
)
from services.media.model.files import Upload

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,checksum,expiration"
CONTENT_TYPE = "application/offset+octet-stream"
EXPIRES_AFTER = timedelta(days=1)
"""An upload to which nothing was added for so long is dropped."""

_ALGORITHMS = {"sha1": "sha1", "sha256": "sha256", "sha512": "sha512", "md5": "md5"}
ALGORITHMS = ",".join(_ALGORITHMS)
_MAX_METADATA = 4096


@dataclass(frozen=True)
class Resumable:
    """An upload in several requests.

    Of `length` bytes `offset` are safe; `state` is what storage needs to go on there. `writer` is
    the request that adds bytes now, or was cut off while it did. One that is `done` is the
    video's file.
    """

    upload_id: str
    team_id: str
    upload: Upload
    length: int
    offset: int
    state: str
    writer: str | None
    metadata: str
    expires_at: datetime
    done: bool

    @property
    def is_whole(self) -> bool:
        """Whether all bytes are here."""
        return self.offset == self.length


class Checksum:
    """What the bytes of one request must add up to: `Upload-Checksum: sha256 BASE64`."""

    def __init__(self, header: str) -> None:
        """Raises Invalid for an algorithm that is not offered, and for what is no checksum."""
        name, _, value = header.strip().partition(" ")
        if name not in _ALGORITHMS:
            raise _bad_header("Upload-Checksum", f"begins with one of {ALGORITHMS}")
        try:
            self._expected = base64.b64decode(value, validate=True)
        except binascii.Error:
            raise _bad_header("Upload-Checksum", "ends with the checksum in base64") from None
        self._digest = hashlib.new(_ALGORITHMS[name], usedforsecurity=False)

    def add(self, piece: bytes) -> None:
        """Count bytes in."""
        self._digest.update(piece)

    def verify(self) -> None:
        """Raise ChecksumMismatch unless the bytes are what was announced."""
        if not hmac.compare_digest(self._digest.digest(), self._expected):
            raise ChecksumMismatch


def parse_metadata(header: str) -> Mapping[str, str]:
    """Read `Upload-Metadata`: `key base64,key base64,flag`. Raises Invalid."""
    if len(header) > _MAX_METADATA:
        raise _bad_header("Upload-Metadata", f"has at most {_MAX_METADATA} letters")
    found: dict[str, str] = {}
    for pair in filter(None, (each.strip() for each in header.split(","))):
        key, _, value = pair.partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise _bad_header("Upload-Metadata", "has values of UTF-8 in base64") from None
    return found


def check_version(header: str) -> None:
    """Raise WrongVersion for another version of tus."""
    if header != VERSION:
        raise WrongVersion


def _bad_header(name: str, rule: str) -> Invalid:
    return Invalid(f"{name} {rule}.", violations=[Violation(name, rule, location="header")])


class WrongVersion(Invalid):
    """The client speaks another version of tus, or none."""

    def __init__(self) -> None:
        metadata = {"http-status": "412", "http-header-tus-version": VERSION}
        super().__init__(f"Tus-Resumable has to be {VERSION}.", metadata=metadata)


class WrongContentType(Invalid):
    """The bytes are not marked as bytes of an upload."""

    reason = "UnsupportedMediaTypeException"

    def __init__(self) -> None:
        message = f"The bytes of an upload have the Content-Type {CONTENT_TYPE}."
        super().__init__(message, metadata={"http-status": "415"})


class WrongOffset(Conflict):
    """The bytes belong elsewhere than where the upload ends."""

    reason = "WrongOffsetException"

    def __init__(self, offset: int) -> None:
        metadata = {"http-header-upload-offset": str(offset)}
        super().__init__(f"The upload goes on at byte {offset}.", metadata=metadata)


class UnknownUpload(NotFound):
    """No such upload, another team's, or one that was ended."""

    reason = "UploadNotFoundException"

    def __init__(self) -> None:
        super().__init__("There is no such upload.")


class UploadExpired(NotFound):
    """Nothing was added to the upload for too long."""

    reason = "UploadExpiredException"

    def __init__(self) -> None:
        super().__init__("The upload has expired.", metadata={"http-status": "410"})


class UploadIsWhole(WrongState):
    """The upload cannot be ended any more: its file is the video's."""

    reason = "UploadIsWholeException"

    def __init__(self) -> None:
        super().__init__("The upload is whole and its file the video's; delete the video instead.")


class CutOff(Conflict):
    """A newer request goes on with the upload; this one ended where it was."""

    reason = "UploadTakenOverException"

    def __init__(self) -> None:
        message = "Another request goes on with the upload."
        super().__init__(message, metadata={"http-status": "423"})


class ChecksumMismatch(Invalid):
    """The bytes are not those that the client meant."""

    reason = "ChecksumMismatchException"

    def __init__(self) -> None:
        message = "The bytes have another checksum than Upload-Checksum says; none was kept."
        super().__init__(message, metadata={"http-status": "460"})


class TooManyBytes(Invalid):
    """More bytes came than the upload has."""

    reason = "PayloadTooLargeException"

    def __init__(self, length: int) -> None:
        message = f"More bytes came than the {length} of Upload-Length."
        super().__init__(message, metadata={"http-status": "413"})


def in_tus(error: VitascopeError) -> VitascopeError:
    """Have an error's answer say that tus is spoken, as every answer has to."""
    error.metadata["http-header-tus-resumable"] = VERSION
    return error
