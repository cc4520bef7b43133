"""Sizes of pictures: into what is wanted, fitting or filling."""

from services.media.engine.failure import BadMedia

Size = tuple[int, int]

MAX_PIXELS = 100_000_000
"""The most that a picture made here may have."""
MAX_SIDE = 65_500
"""The longest side; JPEG allows no longer one."""


def fitted(size: Size, width: int | None, height: int | None) -> Size:
    """The largest size of the same shape within what is wanted; a side that is None is free."""
    across = width / size[0] if width else None
    down = height / size[1] if height else None
    scale = min((each for each in (across, down) if each is not None), default=1.0)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def completed(size: Size, width: int | None, height: int | None) -> Size:
    """What is wanted, a side that is None following from the shape of `size`."""
    if width and height:
        return width, height
    return fitted(size, width, height)


def checked(size: Size, what: str) -> Size:
    """The size, unless it is larger than sense. Raises BadMedia, which calls it `what`."""
    width, height = size
    if width * height > MAX_PIXELS or max(size) > MAX_SIDE:
        raise BadMedia(
            f"{what} of {width} x {height} pixels is larger than what can be made: "
            f"{MAX_PIXELS:,} pixels, no side longer than {MAX_SIDE:,}."
        )
    return size
