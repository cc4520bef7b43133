"""Pictures that tests make, and how alike two pictures are."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageChops


def saved(folder: Path, image: Image.Image, suffix: str = "png") -> Path:
    path = folder / f"source.{suffix}"
    image.save(path)
    return path


def quarters(width: int, height: int) -> Image.Image:
    """Red, green, blue and white, from the top left clockwise to the bottom left."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("green", (width // 2, 0, width, height // 2))
    image.paste("blue", (width // 2, height // 2, width, height))
    image.paste("white", (0, height // 2, width // 2, height))
    return image


def corners(image: Image.Image) -> list[str]:
    """The colours near the corners, from the top left clockwise."""
    names: dict[tuple[int, ...], str] = {
        (255, 0, 0): "red",
        (0, 128, 0): "green",
        (0, 0, 255): "blue",
    }
    width, height = image.size
    left, right, top, bottom = width // 8, width * 7 // 8, height // 8, height * 7 // 8
    places = [(left, top), (right, top), (right, bottom), (left, bottom)]
    pixels = [image.convert("RGB").getpixel(place) for place in places]
    return [names.get(pixel[:3], "white") for pixel in pixels if isinstance(pixel, tuple)]


def likeness(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of two pictures' values, 0 to 255."""
    return float(
        np.mean(np.asarray(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))))
    )


def psnr(one: Image.Image, other: Image.Image) -> float:
    """How alike two pictures of one size are on white, in decibels; above 40 nobody sees it."""
    difference = _values(one) - _values(other)
    return float(10 * np.log10(255**2 / max(float(np.mean(difference**2)), 1e-9)))


def ssim(one: Image.Image, other: Image.Image) -> float:
    """The structural similarity of two pictures' brightness (Wang et al. 2004), to 1 for the same.

    Means are taken over squares of 8 x 8 pixels.
    """
    first, second = (_tiles(each) for each in (one, other))
    means = first.mean(-1), second.mean(-1)
    variances = first.var(-1), second.var(-1)
    shared = (first * second).mean(-1) - means[0] * means[1]
    small, smaller = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    alike = (2 * means[0] * means[1] + small) * (2 * shared + smaller)
    alike /= (means[0] ** 2 + means[1] ** 2 + small) * (variances[0] + variances[1] + smaller)
    return float(alike.mean())


def on_white(image: Image.Image) -> Image.Image:
    """What a page shows of a picture."""
    page = Image.new("RGBA", image.size, "white")
    page.alpha_composite(image.convert("RGBA"))
    return page.convert("RGB")


def _values(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.asarray(on_white(image), np.float64)


def _tiles(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    grey = np.asarray(on_white(image).convert("L"), np.float64)
    rows, columns = grey.shape[0] // 8, grey.shape[1] // 8
    cut = grey[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8)
    return cut.swapaxes(1, 2).reshape(rows, columns, 64)
