"""Draws the sign that a still picture stands for a video."""

from PIL import Image, ImageDraw

# The sign's width as a part of the picture's shorter side.
_PART = 0.3
# How much finer than the picture it is drawn, for smooth edges.
_FINER = 4
_DISC = (0, 0, 0, 140)
_WHITE = (255, 255, 255, 240)
# Parts of the sign's width: of its rim, and of the roundness of the triangle's corners.
_RIM = 0.05
_ROUND = 0.07
# The triangle's corners, inside of their roundness. Its centre of mass, not its box, stands in
# the middle.
_CORNERS = ((0.4, 0.33), (0.4, 0.67), (0.7, 0.5))


def with_play_sign(image: Image.Image) -> Image.Image:
    """The picture with a white triangle on a dark, rimmed disc in its middle."""
    side = max(1, round(min(image.size) * _PART))
    picture = image.convert("RGBA")
    middle = (image.width - side) // 2, (image.height - side) // 2
    picture.alpha_composite(_sign(side), middle)
    return picture if image.mode == "RGBA" else picture.convert("RGB")


def _sign(side: int) -> Image.Image:
    full = side * _FINER
    sign = Image.new("RGBA", (full, full), (0, 0, 0, 0))
    draw = ImageDraw.Draw(sign)
    rim = max(1, round(_RIM * full))
    draw.ellipse((0, 0, full - 1, full - 1), fill=_DISC, outline=_WHITE, width=rim)
    corners = [(x * full, y * full) for x, y in _CORNERS]
    thick = round(_ROUND * full)
    draw.polygon(corners, fill=_WHITE)
    draw.line([*corners, corners[0]], fill=_WHITE, width=2 * (thick // 2) + 1)
    for x, y in corners:
        reach = thick / 2
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=_WHITE)
    return sign.resize((side, side), Image.Resampling.LANCZOS)
