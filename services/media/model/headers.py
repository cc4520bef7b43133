"""What HTTP headers say about a file: its name and its type (RFC 6266, RFC 9110)."""

import re
from mimetypes import MimeTypes
from urllib.parse import quote

from services.media.model.files import Role

OCTETS = "application/octet-stream"

# What people keep; the rest is made to be shown.
_KEPT = (Role.ORIGINAL, Role.PROCESSED)
_WORD = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_MEDIA_TYPE = re.compile(
    rf'{_WORD}/{_WORD}([ \t]*;[ \t]*{_WORD}=({_WORD}|"[\x20\x21\x23-\x7e]*"))*'
)
_ATTR_CHAR = "!#$&+-.^_`|~"

# No system files: the same answer on every machine.
_TYPES = MimeTypes(filenames=())
for _type, _extensions in {
    "application/mxf": [".mxf"],
    "video/mp2t": [".ts", ".mts", ".m2ts"],
    "video/x-matroska": [".mkv"],
}.items():
    for _extension in _extensions:
        _TYPES.add_type(_type, _extension)


def content_disposition(role: Role, file_name: str) -> str:
    """The header that offers a video's file under its name: plain for old clients, and exact.

    What was uploaded or processed is saved, never shown: it is whatever its sender made it.
    """
    kind = "attachment" if role in _KEPT else "inline"
    plain = "".join(
        char if " " <= char <= "~" and char not in '"\\%' else "_" for char in file_name
    )
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, _ATTR_CHAR)}"


def content_type_of(declared: str, file_name: str) -> str:
    """The MIME type of an uploaded file: as declared, else by the extension of its name.

    `application/octet-stream` counts as not declared: senders write it when they do not know.
    """
    if len(declared) <= 255 and _MEDIA_TYPE.fullmatch(declared) and declared.lower() != OCTETS:
        return declared
    return _TYPES.guess_type(f"file:{quote(file_name)}")[0] or OCTETS
