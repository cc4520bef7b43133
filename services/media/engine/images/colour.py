"""Brings pixels of every kind to eight bits of sRGB or grey, with or without alpha."""

from contextlib import suppress
from functools import lru_cache
from io import BytesIO
from typing import cast

from PIL import Image, ImageChops, ImageCms


def _cube() -> Image.Image:
    """Colours of all sorts."""
    levels = range(0, 256, 15)
    cube = Image.new("RGB", (len(levels), len(levels) ** 2))
    cube.putdata([(red, green, blue) for red in levels for green in levels for blue in levels])
    return cube


# What shows whether a profile changes anything, by modes; differences up to this are rounding.
_PROBES = {"RGB": _cube(), "L": Image.linear_gradient("L")}
_UNSEEN = 2

_SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I;16N")


def plain(image: Image.Image) -> Image.Image:
    """The picture in a mode that can be scaled: eight bits, no palette."""
    if image.mode in _SIXTEEN_BITS or image.mode in ("I", "F"):
        return _eight_bits(image)
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("L", "RGB", "CMYK") and not image.has_transparency_data:
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A plain picture as sRGB or grey, by its colour profile where that is sound."""
    if image.mode == "RGBA":
        colours = in_srgb(image.convert("RGB"), profile)
        colours.putalpha(image.getchannel("A"))
        return colours
    if profile:
        # A profile that is broken, or for another kind of colours, says nothing.
        with suppress(ImageCms.PyCMSError, OSError, ValueError):
            return _converted(image, profile)
    return image if image.mode == "L" else image.convert("RGB")


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    """The picture by a profile. Raises PyCMSError, OSError or ValueError."""
    transform = _transform(profile, image.mode)
    if transform is None:
        return image
    converted = ImageCms.applyTransform(image, transform)
    if converted is None:
        raise ValueError("made in place")
    return converted.convert("L") if image.mode == "L" else converted


# The photos of one camera have one profile, which takes longer to understand than to apply.
@lru_cache(maxsize=4)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """What makes sRGB of pictures of a mode; None for a profile that is sRGB's own."""
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    srgb = ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(source, srgb, mode, "RGB")
    # Most profiles are of sRGB itself, in many words; converting takes as long as scaling.
    if mode in _PROBES and _changes_little(transform, _PROBES[mode]):
        return None
    return transform


def _changes_little(transform: ImageCms.ImageCmsTransform, probe: Image.Image) -> bool:
    converted = ImageCms.applyTransform(probe, transform)
    if converted is None:
        return False
    differences = ImageChops.difference(converted, probe.convert("RGB")).getextrema()
    return all(most <= _UNSEEN for _, most in cast(tuple[tuple[int, int], ...], differences))


def on_white(image: Image.Image) -> Image.Image:
    """The picture without transparency: what shines through is white, as on most pages."""
    if image.mode != "RGBA":
        return image
    page = Image.new("RGBA", image.size, "white")
    page.alpha_composite(image)
    return page.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of more bits, or of real numbers; converting alone would clip it."""
    if image.mode in _SIXTEEN_BITS:
        return image.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")
    brightest = cast(tuple[float, float], image.getextrema())[1]
    # Files do not tell the range of such values: what is usual and holds them all.
    white = next((most for most in (1.0, 255.0, 65535.0) if brightest <= most), brightest)
    if image.mode == "I" and white == 1.0:
        white = 255.0
    return image.point(lambda value: value * (255 / white) + 0.0).convert("L")
