"""How pictures lie: the orientations of Exif, and turns."""

from PIL import Image

from services.media.engine.images.exif import orientation, tags

Transpose = Image.Transpose
# What brings a picture of an Exif orientation upright.
UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
# By degrees, counter-clockwise.
TURNS = {90: Transpose.ROTATE_90, 180: Transpose.ROTATE_180, 270: Transpose.ROTATE_270}

_SWAPPING = {
    Transpose.ROTATE_90,
    Transpose.ROTATE_270,
    Transpose.TRANSPOSE,
    Transpose.TRANSVERSE,
}


def stored_size(image: Image.Image) -> tuple[int, int]:
    """Width and height in pixels of an opened, not yet decoded picture, before any turn."""
    # Pillow turns TIFFs itself while decoding, and tells their size ahead of it.
    upended = (orientation(tags(image)) or 1) >= 5 and image.format == "TIFF"
    return image.size[::-1] if upended else image.size


def turns_to_come(image: Image.Image, rotation: int) -> list[Transpose]:
    """What an opened picture needs once it is decoded: to be upright, then to lie as wanted.

    `rotation` is 0, 90, 180 or 270 degrees counter-clockwise.
    """
    turn = 1 if image.format == "TIFF" else orientation(tags(image)) or 1
    steps = (UPRIGHT.get(turn), TURNS.get(rotation))
    return [step for step in steps if step is not None]


def swap_sides(steps: list[Transpose]) -> bool:
    """Whether turns together make height of width."""
    return sum(step in _SWAPPING for step in steps) % 2 == 1
