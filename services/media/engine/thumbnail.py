"""Makes a picture of another size, upright, turned or with a play sign."""

from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageCms, ImageDraw

from services.media.engine.failure import BadMedia
from services.media.engine.images import decode, opened, stored_size, turn_to_come

MAX_PIXELS = 100_000_000

Transpose = Image.Transpose
# What brings a picture of an Exif orientation upright.
_UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
_TURNS = {90: Transpose.ROTATE_90, 180: Transpose.ROTATE_180, 270: Transpose.ROTATE_270}

# Play sign: its width as a part of the picture's shorter side, and how much
# finer than the picture it is drawn, for smooth edges.
_SIGN = 0.3
_FINER = 4


@dataclass(frozen=True)
class Wanted:
    """How the thumbnail should be. A missing size follows from the other one."""

    width: int | None
    height: int | None
    # Fill the size and cut evenly what stands out, instead of fitting into it.
    crop: bool
    # 0, 90, 180 or 270 degrees counter-clockwise; the size is that after turning.
    rotation: int
    # Draw a play sign in the middle.
    poster: bool
    # jpeg, gif or png
    format: str


@dataclass(frozen=True)
class Made:
    """Sizes in pixels: of the thumbnail, and of the original as stored."""

    width: int
    height: int
    original_width: int
    original_height: int


def thumbnail(source: Path, destination: Path, wanted: Wanted) -> Made:
    """Write a thumbnail of a picture, upright by its Exif orientation.

    It has exactly the size wanted when cropping, else the largest that fits
    into it; small pictures are enlarged. Colours become sRGB. Raises BadMedia
    when the picture cannot be read or the thumbnail would be too large.
    """
    with opened(source) as image:
        original = stored_size(image)
        steps = [_UPRIGHT.get(turn_to_come(image)), _TURNS.get(wanted.rotation)]
        turned = sum(_swaps(step) for step in steps) % 2 == 1
        size = _fitted(image.size[::-1] if turned else image.size, wanted)
        small = _resized(image, size[::-1] if turned else size, wanted.crop)
    for step in steps:
        small = small.transpose(step) if step is not None else small
    if wanted.poster:
        small = _with_play_sign(small)
    _save(small, destination, wanted.format)
    return Made(*small.size, *original)


def _swaps(step: Transpose | None) -> bool:
    """Whether a turn makes height of width."""
    upended = {
        Transpose.ROTATE_90,
        Transpose.ROTATE_270,
        Transpose.TRANSPOSE,
        Transpose.TRANSVERSE,
    }
    return step in upended


def _fitted(size: tuple[int, int], wanted: Wanted) -> tuple[int, int]:
    """The thumbnail's size for a picture that is `size` as it should be seen."""
    width, height = size
    across = wanted.width / width if wanted.width else None
    down = wanted.height / height if wanted.height else None
    if wanted.crop and wanted.width and wanted.height:
        fitted = wanted.width, wanted.height
    else:
        scale = min((each for each in (across, down) if each is not None), default=1.0)
        fitted = max(1, round(width * scale)), max(1, round(height * scale))
    if fitted[0] * fitted[1] > MAX_PIXELS:
        raise BadMedia(
            f"A thumbnail of {fitted[0]} x {fitted[1]} pixels is larger than what can be made."
        )
    return fitted


def _resized(image: Image.Image, size: tuple[int, int], crop: bool) -> Image.Image:
    """The picture scaled to `size`, cut evenly to its shape when cropping."""
    # JPEG can be decoded smaller at once; twice the size keeps all that shows.
    image.draft(None, (2 * size[0], 2 * size[1]))
    decode(image)
    box = _middle(image.size, size) if crop else (0.0, 0.0, image.width, image.height)
    plain = _plain(image)
    small = plain.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    return _in_srgb(small, image.info.get("icc_profile"))


def _middle(size: tuple[int, int], shape: tuple[int, int]) -> tuple[float, float, float, float]:
    """The largest box of a shape in the middle of a picture."""
    scale = min(size[0] / shape[0], size[1] / shape[1])
    width, height = shape[0] * scale, shape[1] * scale
    left, top = (size[0] - width) / 2, (size[1] - height) / 2
    return left, top, left + width, top + height


def _plain(image: Image.Image) -> Image.Image:
    """The picture in a mode that can be scaled: eight bits, no palette."""
    if image.mode in ("I", "I;16", "I;16B", "I;16L"):
        # Sixteen bits to eight; converting alone would clip them.
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("L", "RGB", "CMYK") and not image.has_transparency_data:
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture as sRGB or grey, by its colour profile where that is sound."""
    if image.mode == "RGBA":
        colours = _in_srgb(image.convert("RGB"), profile)
        colours.putalpha(image.getchannel("A"))
        return colours
    if profile and image.mode in ("RGB", "CMYK"):
        with suppress(ImageCms.PyCMSError, OSError):
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
            if converted is not None:
                return converted
    return image if image.mode == "L" else image.convert("RGB")


def _with_play_sign(image: Image.Image) -> Image.Image:
    """The picture with a white triangle on a dark disc in its middle."""
    side = max(1, round(min(image.size) * _SIGN))
    full = side * _FINER
    sign = Image.new("RGBA", (full, full), (0, 0, 0, 0))
    draw = ImageDraw.Draw(sign)
    draw.ellipse((0, 0, full - 1, full - 1), fill=(0, 0, 0, 150))
    # The triangle's centre of mass, not its box, stands in the middle.
    corners = [(0.38, 0.28), (0.38, 0.72), (0.76, 0.5)]
    draw.polygon([(x * full, y * full) for x, y in corners], fill=(255, 255, 255, 235))
    sign = sign.resize((side, side), Image.Resampling.LANCZOS)
    picture = image.convert("RGBA")
    middle = (image.width - side) // 2, (image.height - side) // 2
    picture.alpha_composite(sign, middle)
    return picture if image.mode == "RGBA" else picture.convert("RGB")


def _save(image: Image.Image, destination: Path, file_format: str) -> None:
    # Pillow would write the original's profile and comments into the thumbnail.
    image.info.clear()
    if file_format == "jpeg":
        _on_white(image).save(destination, "JPEG", quality=90, optimize=True)
    elif file_format == "png":
        image.save(destination, "PNG")
    else:
        _save_gif(image, destination)


def _on_white(image: Image.Image) -> Image.Image:
    """JPEG knows no transparency: what shines through is white, as on most pages."""
    if image.mode != "RGBA":
        return image
    page = Image.new("RGBA", image.size, "white")
    page.alpha_composite(image)
    return page.convert("RGB")


def _save_gif(image: Image.Image, destination: Path) -> None:
    # One of the 256 colours is kept for what is mostly transparent.
    clear = 255
    picture = _on_white(image).convert("RGB").quantize(clear, Image.Quantize.MEDIANCUT)
    if image.mode != "RGBA":
        picture.save(destination, "GIF")
        return
    mask = image.getchannel("A").point(lambda alpha: 255 if alpha < 128 else 0)
    picture.paste(clear, mask=mask)
    picture.save(destination, "GIF", transparency=clear)
