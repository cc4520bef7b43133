"""The progress of work that has several steps."""

from collections.abc import Callable, Mapping


class Steps:
    """Makes one percentage of those of several steps; it never falls.

    `weights` says, in the order of the steps, how much of the whole each is.
    """

    def __init__(self, weights: Mapping[str, float], progress: Callable[[float], None]) -> None:
        self._weights = weights
        self._progress = progress
        self._done = 0.0

    def progress(self, step: str) -> Callable[[float], None]:
        """Who takes the percentage of a step, 0 to 100."""
        names = list(self._weights)
        before = sum(self._weights[name] for name in names[: names.index(step)])
        total = sum(self._weights.values())

        def advance(percent: float) -> None:
            done = (100 * before + min(percent, 100.0) * self._weights[step]) / total
            self._done = max(self._done, done)
            self._progress(self._done)

        return advance
