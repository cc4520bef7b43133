"""Videos from their end to their beginning, in the memory of a few frames.

`windows` says in which pieces a film is taken from the end; the frames of one lie on a `stack`
until they are wanted, last first. `recording` keeps all sound, and gives it back from its end.
`film` puts both into a new file.
"""

from services.media.engine.reversal.film import reverse

__all__ = ["reverse"]
