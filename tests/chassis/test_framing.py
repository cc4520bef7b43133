"""Messages put together by hand are the library's, to the byte."""

import pytest
from google.api.httpbody_pb2 import HttpBody

from services.chassis.framing import framed, unless_framed
from vitascope.media.v1.media_pb2 import UploadMediaRequest

FILE = UploadMediaRequest.DESCRIPTOR.fields_by_name["file"].number


@pytest.mark.parametrize("size", [1, 127, 128, 300, 16_384, 2**20, 2**21])
def test_the_wire_format_is_the_library_s(size: int) -> None:
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    body = HttpBody(data=data)
    assert framed([HttpBody.DATA_FIELD_NUMBER], data) == body.SerializeToString()
    nested = UploadMediaRequest(file=body).SerializeToString()
    assert framed([FILE, HttpBody.DATA_FIELD_NUMBER], data) == nested


def test_only_messages_are_serialized() -> None:
    serialize = unless_framed(HttpBody.SerializeToString)
    assert serialize is not None
    body = HttpBody(content_type="text/plain", data=b"hello")
    assert serialize(body) == body.SerializeToString()
    assert serialize(b"in wire format") == b"in wire format"
    assert unless_framed(None) is None
