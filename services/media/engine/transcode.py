"""Makes a new file of a video: decodes, filters, encodes, and carries sound along."""

from collections.abc import Callable
from pathlib import Path

from services.media.engine.film import begun
from services.media.engine.plan import Encoding, Filters
from services.media.engine.probe import VideoFacts

Progress = Callable[[float], None]


def transcode(
    source: Path,
    destination: Path,
    facts: VideoFacts,
    filters: Filters,
    encoding: Encoding,
    progress: Progress,
) -> None:
    """Write a video, whose facts were probed, to `destination`.

    Sound is copied where the container takes its codec. Damaged stretches are
    left out. `progress` takes 0 to 100. Raises BadMedia when no frame can be
    decoded.
    """
    length = float((filters.end or facts.duration) - filters.start)
    with begun(source, destination, facts, filters, encoding) as film:
        for frame in film.pipeline.frames(film.picture_packets()):
            film.picture.encode(frame)
            progress(min(100.0, film.picture.seconds * 100 / length))
        film.finish()
    progress(100.0)
