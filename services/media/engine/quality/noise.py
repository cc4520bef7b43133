"""How noisy a picture is: the standard deviation of white noise in its luma.

Two published ways taken together. X. Liu, M. Tanaka and M. Okutomi, "Single-image
noise level estimation for blind denoising", IEEE Transactions on Image
Processing 22 (12), 2013, keep the patches whose texture is no stronger than
noise explains, again and again. G. Chen, F. Zhu and P. A. Heng, "An efficient
statistical method for image noise level estimation", ICCV 2015, tell which
principal components of patches are noise alone. The first one's own estimate,
the smallest component, is a tenth too low; the second is fooled by texture.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from services.media.engine.quality.picture import Picture, Samples

_SIDE = 7
_STEP = 4
_ROUNDS = 3
# The texture of patches of pure noise of variance 1, which one in a million
# exceeds: a gamma distribution of shape 45 / 2 and mean 35, by the rank and the
# trace of the differences' operator (Liu et al., section III).
_WEAK = 82.2
# Noise is cut short in what is black or white: how much of a patch may be.
_CLIPPED = 0.1


def noise_level(shown: Picture) -> float:
    """Standard deviation of the noise, of 255."""
    windows = sliding_window_view(shown.tiles, (_SIDE, _SIDE), axis=(1, 2))
    patches = np.ascontiguousarray(windows[:, ::_STEP, ::_STEP]).reshape(-1, _SIDE * _SIDE)
    enough = 2 * patches.shape[1]
    clipped = np.mean((patches <= 0) | (patches >= 255), axis=1) > _CLIPPED
    if np.count_nonzero(~clipped) > enough:
        patches = patches[~clipped]
    texture = _texture(patches)
    variance = _variance(patches)
    for _ in range(_ROUNDS):
        weak = texture <= variance * _WEAK
        if np.count_nonzero(weak) < enough:
            break
        patches, texture = patches[weak], texture[weak]
        variance = _variance(patches)
    return float(np.sqrt(variance))


def _variance(patches: Samples) -> float:
    """Of the noise in patches: without texture, components vary about their mean evenly.

    The largest ones are left out until as many lie above the mean as below.
    """
    centred = patches - patches.mean(axis=0)
    components = np.linalg.eigvalsh(centred.T @ centred / len(patches)).astype(np.float64)
    means = np.cumsum(components) / np.arange(1, components.size + 1)
    medians = np.array([np.median(components[:count]) for count in range(1, components.size + 1)])
    even = np.flatnonzero(means <= medians * (1 + 1e-6))
    return max(0.0, float(means[even[-1]] if even.size else components[0]))


def _texture(patches: Samples) -> Samples:
    """Sums of squared central differences in both directions."""
    square = patches.reshape(-1, _SIDE, _SIDE)
    across = (square[:, :, 2:] - square[:, :, :-2]) / 2
    down = (square[:, 2:] - square[:, :-2]) / 2
    return np.asarray(np.einsum("pij,pij->p", across, across) + np.einsum("pij,pij->p", down, down))
