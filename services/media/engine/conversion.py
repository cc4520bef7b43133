"""What to make of a video that is to be shown in another size."""

from services.media.engine.failure import BadMedia
from services.media.engine.images.sizing import Size, completed, fitted
from services.media.engine.plan import Filters
from services.media.engine.previews.look import Look
from services.media.engine.reading import MAX_PIXELS

# A sample of chroma is shared by so many of luma, across and down.
_PAIR = 2
# Of H.264, by x264.
_MAX_SIDE = 16_384
_ANY = (1 << 31, 1 << 31)


def size_seen(look: Look) -> Size:
    """The pixels across and down that a viewer sees: upright, and square."""
    return look.size(_ANY)


def size_wanted(seen: Size, width: int | None, height: int | None, *, crop: bool) -> Size:
    """The even size of what is made of a picture; a side that is None follows from the other.

    With `crop` both sides are as they are wanted, else what fits between them in
    the picture's shape. Raises BadMedia for what is larger than can be made.
    """
    # Counted in pairs of pixels.
    across, down = (None if side is None else max(1, side // _PAIR) for side in (width, height))
    if across is None and down is None:
        across, down = (max(1, side // _PAIR) for side in seen)
    sized = completed if crop else fitted
    pairs = sized(seen, across, down)
    made = pairs[0] * _PAIR, pairs[1] * _PAIR
    if max(made) > _MAX_SIDE or made[0] * made[1] > MAX_PIXELS:
        raise BadMedia(f"A video of {made[0]} x {made[1]} pixels is larger than what can be made.")
    return made


def filters_for(look: Look, size: Size, *, crop: bool) -> Filters:
    """What happens to pictures that any screen is to show in a size."""
    return Filters(
        *size,
        pixel_format="yuv420p",
        source_field_order=look.field_order,
        deinterlacer="yadif" if look.field_order else "",
        screen=True,
        fill=crop,
    )
