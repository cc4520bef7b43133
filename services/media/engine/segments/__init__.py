"""Long videos made in stretches side by side, and joined without a seam.

`cuts` says where, `stretch` makes one and puts its coded pictures onto a `shelf`,
`join` makes the file of them.
"""

from services.media.engine.segments.cuts import Stretch, stretches
from services.media.engine.segments.join import Misfit, join
from services.media.engine.segments.stretch import make_stretch

__all__ = ["Misfit", "Stretch", "join", "make_stretch", "stretches"]
