"""How much fine detail a picture has.

P. V. Vu and D. M. Chandler, "A fast wavelet-based algorithm for global and local
image sharpness estimation", IEEE Signal Processing Letters 19 (7), 2012: FISH.
"""

import numpy as np

from services.media.engine.quality.picture import Picture, Samples

_LEVELS = 3
# In the paper: the part of the diagonal band.
_DIAGONAL = 0.8
BLOCK = 16


def sharpness(shown: Picture, noise: float) -> float:
    """FISH with Haar wavelets, without what noise of that standard deviation adds."""
    return float(np.mean(_fish(shown.tiles, noise)))


def _fish(tiles: Samples, noise: float) -> Samples:
    low = tiles
    total = np.float32(0)
    for level in range(1, _LEVELS + 1):
        low, across, down, diagonal = _haar(low)
        side = BLOCK >> level
        energies = [_energy(band, side, noise) for band in (across, down, diagonal)]
        logs = [np.log10(1 + energy) for energy in energies]
        band = (1 - _DIAGONAL) * (logs[0] + logs[1]) / 2 + _DIAGONAL * logs[2]
        total = total + 2 ** (_LEVELS - level) * band
    return np.asarray(total)


def _energy(band: Samples, side: int, noise: float) -> Samples:
    """Mean squares of blocks, less the noise's."""
    count, height, width = band.shape
    blocks = (band * band).reshape(count, height // side, side, width // side, side)
    return np.asarray(np.maximum(0, blocks.mean(axis=(2, 4)) - noise * noise))


def _haar(low: Samples) -> tuple[Samples, Samples, Samples, Samples]:
    """One level of the orthonormal Haar transform: low-pass, across, down, diagonal."""
    sums, differences = low[..., ::2] + low[..., 1::2], low[..., ::2] - low[..., 1::2]
    return (
        (sums[:, ::2] + sums[:, 1::2]) / 2,
        (differences[:, ::2] + differences[:, 1::2]) / 2,
        (sums[:, ::2] - sums[:, 1::2]) / 2,
        (differences[:, ::2] - differences[:, 1::2]) / 2,
    )
