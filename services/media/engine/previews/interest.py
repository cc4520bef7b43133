"""How much there is to see in a picture."""

import numpy as np
from PIL import Image

_BT709 = (0.2126, 0.7152, 0.0722)
_LEVELS = 64
# Luma below and above which pictures are as good as black or white, of 255.
_DARKEST, _BRIGHTEST = 16.0, 235.0
# Where pictures are neither dark nor bright.
_FAIR = (60.0, 180.0)
# Standard deviation of luma, and mean step between neighbours, of a rich picture.
_RICH_CONTRAST, _RICH_DETAIL = 60.0, 12.0


def interest(picture: Image.Image) -> float:
    """From 0, black or blank, to 1: many shades, contrast and detail, well exposed.

    `picture` is in RGB. What fades loses all three.
    """
    luma = np.asarray(picture, np.float32) @ np.asarray(_BT709, np.float32)
    counts, _ = np.histogram(luma, _LEVELS, (0, 256))
    shares = counts[counts > 0] / luma.size
    shades = -float(np.sum(shares * np.log2(shares))) / np.log2(_LEVELS)
    contrast = min(1.0, float(luma.std()) / _RICH_CONTRAST)
    steps = [np.abs(np.diff(luma, axis=axis)) for axis in (0, 1) if luma.shape[axis] > 1]
    detail = min(1.0, sum(float(each.mean()) for each in steps) / 2 / _RICH_DETAIL)
    exposure = np.interp(float(luma.mean()), (_DARKEST, *_FAIR, _BRIGHTEST), (0, 1, 1, 0))
    return float(exposure * (shades + contrast + detail) / 3)
