"""How noisy a picture is.

X. Liu, M. Tanaka and M. Okutomi, "Single-image noise level estimation for blind
denoising", IEEE Transactions on Image Processing 22 (12), 2013: the smallest
principal component of patches whose texture is no stronger than noise explains.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from services.media.engine.quality.picture import Picture, Samples

_SIDE = 7
_STEP = 3
_ROUNDS = 3
# The texture of patches of pure noise of variance 1, which one in a million
# exceeds: a gamma distribution of shape 45 / 2 and mean 35, by the rank and the
# trace of the differences' operator.
_WEAK = 82.2
# Noise is cut short in what is black or white: how much of a patch may be.
_CLIPPED = 0.1


def noise_level(shown: Picture) -> float:
    """Standard deviation of the noise, of 255."""
    windows = sliding_window_view(shown.tiles, (_SIDE, _SIDE), axis=(1, 2))
    patches = windows[:, ::_STEP, ::_STEP].reshape(-1, _SIDE * _SIDE)
    clipped = np.mean((patches <= 0) | (patches >= 255), axis=1) > _CLIPPED
    if np.count_nonzero(~clipped) > 2 * patches.shape[1]:
        patches = patches[~clipped]
    texture = _texture(patches)
    variance = _least(patches)
    for _ in range(_ROUNDS):
        weak = texture < variance * _WEAK
        if weak.sum() < patches.shape[1]:
            break
        patches, texture = patches[weak], texture[weak]
        variance = _least(patches)
    return float(np.sqrt(max(0.0, variance)))


def _least(patches: Samples) -> float:
    centred = patches - patches.mean(axis=0)
    return float(np.linalg.eigvalsh(centred.T @ centred / len(patches))[0])


def _texture(patches: Samples) -> Samples:
    """Sums of squared central differences in both directions."""
    square = patches.reshape(-1, _SIDE, _SIDE)
    across = (square[:, :, 2:] - square[:, :, :-2]) / 2
    down = (square[:, 2:] - square[:, :-2]) / 2
    return np.asarray((across**2).sum(axis=(1, 2)) + (down**2).sum(axis=(1, 2)))
