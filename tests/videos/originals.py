"""An original for tests of what may be made of it."""

from fractions import Fraction

import pytest

from services.chassis.errors import Invalid
from services.videos.model.targets import decide
from services.videos.model.wishes import Source, Wish

SOURCE = Source(
    file_name="my.film.mp4",
    container="mp4",
    codec="h264",
    width=560,
    height=320,
    display_aspect_ratio=None,
    pixel_format="yuv420p",
    yuv="4:2:0",
    bits=8,
    bitrate=560_000.0,
    frame_rate=Fraction(30),
    duration=5000,
    interlaced=False,
    field_order="top_first",
)


def violations(wish: Wish, source: Source = SOURCE) -> dict[str, str]:
    """What is wrong with a wish, by field."""
    with pytest.raises(Invalid) as caught:
        decide(wish, source)
    found = {violation.field: violation.description for violation in caught.value.violations}
    assert all(field in caught.value.message for field in found)
    return found
