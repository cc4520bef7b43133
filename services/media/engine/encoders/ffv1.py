"""FFV1, which loses nothing."""

from services.media.engine.encoders.settings import Settings
from services.media.engine.footage import Footage
from services.media.engine.plan import Encoding

PIXEL_FORMATS = (
    "yuv410p",
    "yuv411p",
    *(
        f"yuv{sampling}p{depth}"
        for sampling in ("420", "422", "444")
        for depth in ("", "10le", "12le", "14le", "16le")
    ),
    *(f"yuv440p{depth}" for depth in ("", "10le", "12le")),
)
# Slices are coded and decoded side by side; each costs a little size.
_SLICES = ((1 << 21, 24), (1 << 19, 16), (1 << 15, 4))


def settings(encoding: Encoding, footage: Footage) -> Settings:
    """Version 3, every frame by itself, every slice with a checksum."""
    area = footage.width * footage.height
    slices = next((number for least, number in _SLICES if area >= least), 1)
    options = {"level": "3", "g": "1", "slicecrc": "1", "slices": str(slices)}
    return Settings("ffv1", options)
