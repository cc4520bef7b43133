"""What the filters hand to the encoder: pictures, and what is true of all of them."""

from dataclasses import dataclass
from fractions import Fraction

from services.media.engine.colour import Colour, ColourVolume


@dataclass(frozen=True)
class Footage:
    """What is true of every picture to encode; known before the first of them.

    The pictures themselves are frames of this size and pixel format whose
    `pts` and `duration` count ticks of `clock` (also their `time_base`); times
    only go up, and 0 is where the new file begins.
    """

    width: int
    height: int
    # FFmpeg's name.
    pixel_format: str
    # Seconds of one tick.
    clock: Fraction
    # Frames per second over the whole video.
    rate: Fraction
    # Whether every frame stands where this rate puts it, to the nearest tick.
    constant_rate: bool
    # top_first or bottom_first; None: progressive.
    field_order: str | None
    # Width over height of a pixel.
    pixel_shape: Fraction
    colour: Colour
    # Nine numbers as FFmpeg keeps them; None: shown as stored.
    display_matrix: tuple[int, ...] | None
    # Of HDR pictures, where the source tells.
    colour_volume: ColourVolume | None = None
