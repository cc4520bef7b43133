"""How much fine detail a picture has where it has most.

P. V. Vu and D. M. Chandler, "A fast wavelet-based algorithm for global and local
image sharpness estimation", IEEE Signal Processing Letters 19 (7), 2012: FISH
of blocks, from the logarithms of energies in three octaves. Differences:

- Haar wavelets on codecs' own grid instead of CDF 9/7 ones: what blocks of a
  codec differ by at their edges counts for nothing, so that compression can
  only take details away.
- Energy that noise explains is no detail.
- The mean of the sharpest quarter of the blocks, of twice the paper's size,
  instead of the sharpest hundredth, which outlasts compression.

Blocks that show lower it besides: see `blocking`.
"""

import numpy as np

from services.media.engine.quality.blocking import blockiness
from services.media.engine.quality.picture import Picture, Samples

_LEVELS = 3
# The power of blockiness that, with FISH, comes nearest to VMAF.
_BLOCKING = 0.5
# In the paper: the part of the diagonal band.
_DIAGONAL = 0.8
_SHARPEST = 0.25
# By how many of its standard deviations the energy of noise goes astray at most.
_ASTRAY = 4.0


def sharpness(shown: Picture, noise: float) -> float:
    """FISH, about 0 to 25, of a picture with noise of that standard deviation, of 255.

    Blocks of a codec take from it what they take from the eye.
    """
    blocks = np.sort(_fish(shown.tiles, noise * noise))
    sharp = float(np.mean(blocks[-max(1, round(_SHARPEST * blocks.size)) :]))
    return float(sharp / max(1.0, blockiness(shown)) ** _BLOCKING)


def _fish(blocks: Samples, variance: float) -> Samples:
    total = np.zeros(len(blocks), np.float32)
    low = blocks
    for level in range(1, _LEVELS + 1):
        low, *bands = _haar(low)
        across, down, diagonal = (np.log10(1 + _energy(band, variance)) for band in bands)
        octave = (1 - _DIAGONAL) * (across + down) / 2 + _DIAGONAL * diagonal
        total += np.float32(2 ** (_LEVELS - level)) * octave
    return total


def _energy(band: Samples, variance: float) -> Samples:
    """Mean squares, less the noise's; none where noise alone could be as strong."""
    count = band[0].size
    means = np.einsum("bij,bij->b", band, band) / count
    explained = variance * (1 + _ASTRAY * (2 / count) ** 0.5)
    return np.where(means > explained, means - variance, 0)


def _haar(low: Samples) -> tuple[Samples, Samples, Samples, Samples]:
    """One level of the orthonormal transform: low-pass, across, down, diagonal."""
    sums, differences = low[..., ::2] + low[..., 1::2], low[..., ::2] - low[..., 1::2]
    return (
        np.asarray((sums[:, ::2] + sums[:, 1::2]) / 2),
        np.asarray((differences[:, ::2] + differences[:, 1::2]) / 2),
        np.asarray((sums[:, ::2] - sums[:, 1::2]) / 2),
        np.asarray((differences[:, ::2] - differences[:, 1::2]) / 2),
    )
