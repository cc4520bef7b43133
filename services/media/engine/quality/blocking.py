"""How much a picture falls into the blocks of its codec.

Z. Wang, H. R. Sheikh and A. C. Bovik, "No-reference perceptual quality assessment
of JPEG compressed images", ICIP 2002: differences between neighbours across
the edges of blocks, here by those within blocks.
"""

import numpy as np

from services.media.engine.quality.picture import TILE, Picture

# Codecs of today use larger and smaller ones too; all have edges here.
_BLOCK = 8
_EDGES = np.arange(TILE - 1) % _BLOCK == _BLOCK - 1


def blockiness(shown: Picture) -> float:
    """About 1 where no block shows, however sharp the picture, and more where they do."""
    across = np.abs(np.diff(shown.tiles, axis=2)).mean(axis=(0, 1))
    down = np.abs(np.diff(shown.tiles, axis=1)).mean(axis=(0, 2))
    both = across + down
    within = float(both[~_EDGES].mean())
    return float(both[_EDGES].mean()) / within if within else 1.0
