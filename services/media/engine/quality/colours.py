"""How colourful a picture is.

D. Hasler and S. Suesstrunk, "Measuring colourfulness in natural images", Human
Vision and Electronic Imaging VIII, SPIE 5007, 2003: the measure M3.
"""

import numpy as np

from services.media.engine.quality.picture import Picture

# In the paper: the part of the mean distance from grey.
_OF_MEAN = 0.3


def colourfulness(shown: Picture) -> float:
    """M3, about 0 (grey) to 150; in the paper 15 is slightly, 45 averagely, 82 highly colourful."""
    deviation = np.hypot(*(each.std() for each in shown.opponents))
    distance = np.hypot(*(each.mean() for each in shown.opponents))
    return float(deviation + _OF_MEAN * distance)
