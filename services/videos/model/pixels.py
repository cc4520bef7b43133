"""Decides chroma subsampling and depth."""

from collections.abc import Sequence

from services.videos.model.codecs import Encoding
from services.videos.model.problems import Problems
from services.videos.model.wishes import Source, Wish

_NEAREST = {
    "4:1:0": ("4:1:1", "4:2:0", "4:2:2", "4:4:4"),
    "4:1:1": ("4:2:2", "4:4:4", "4:2:0"),
    "4:2:0": ("4:2:2", "4:4:4"),
    "4:2:2": ("4:4:4", "4:2:0"),
    "4:4:0": ("4:4:4", "4:2:2", "4:2:0"),
    "4:4:4": ("4:2:2", "4:2:0"),
}
"""What else to take, by subsampling: first what loses no chroma, then what loses least."""
DOCUMENTED_BITS = (8, 10, 12, 14, 16)
_GREY = ("gray", "mono", "ya")


def decide_pixels(
    wish: Wish, source: Source, encoding: Encoding, problems: Problems
) -> tuple[str, int]:
    """Return the subsampling and the bits per sample of the new video."""
    bits = _known_bits(wish, problems)
    yuv = wish.yuv
    if yuv is not None and yuv not in encoding.depths:
        has = ", ".join(encoding.depths)
        problems.add("chromaSubsampling.yuv", f"{encoding.name} has {has}, not {yuv}")
        yuv = None
    if yuv is None:
        yuv = _subsampling(source, encoding, bits)
    depths = encoding.depths[yuv]
    if bits is not None and bits not in depths:
        has = ", ".join(map(str, depths))
        description = f"{encoding.name} with {yuv} has {has} bits, not {bits}"
        problems.add("chromaSubsampling.bits", description)
        bits = None
    return yuv, bits or _at_least(source.bits, depths)


def _known_bits(wish: Wish, problems: Problems) -> int | None:
    if wish.bits is not None and wish.bits not in DOCUMENTED_BITS:
        words = ", ".join(map(str, DOCUMENTED_BITS))
        problems.add("chromaSubsampling.bits", f"{wish.bits} is not one of {words}")
        return None
    return wish.bits


def _subsampling(source: Source, encoding: Encoding, bits: int | None) -> str:
    """The source's, or the nearest that the encoding has, with `bits` where it can."""
    natural = source.yuv or ("4:2:0" if source.pixel_format.startswith(_GREY) else "4:4:4")
    order = (natural, *_NEAREST[natural])
    possible = [yuv for yuv in order if yuv in encoding.depths]
    deep_enough = [yuv for yuv in possible if bits in encoding.depths[yuv]]
    return (deep_enough or possible)[0]


def _at_least(bits: int, depths: Sequence[int]) -> int:
    return min((depth for depth in depths if depth >= bits), default=max(depths))
