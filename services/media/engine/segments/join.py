"""Makes a file of stretches that were made apart, with the source's sound."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from services.media.engine.failure import BadMedia
from services.media.engine.film import Film, begun
from services.media.engine.plan import Encoding, Filters
from services.media.engine.probe import VideoFacts
from services.media.engine.shelf import Coded, FilledShelf

Progress = Callable[[float], None]

# Pictures from one word about the progress to the next.
_TOLD = 100
_START_CODE = b"\0\0\1"
# Of HEVC: remarks, among them how many processors the encoder found.
_REMARK = 39


class Misfit(Exception):
    """Stretches that do not belong into one file: their encoders were not alike."""


def join(
    source: Path,
    destination: Path,
    facts: VideoFacts,
    filters: Filters,
    encoding: Encoding,
    shelves: Sequence[Path],
    progress: Progress,
) -> None:
    """Write the video whose stretches lie on `shelves`, in their order, to `destination`.

    `progress` takes 0 to 100. Raises BadMedia when there is no picture on any of
    them, and Misfit.
    """
    filled = [FilledShelf(path) for path in shelves]
    total = sum(shelf.label.pictures for shelf in filled)
    if not total:
        raise BadMedia("None of the frames to convert can be decoded.")
    with begun(source, destination, facts, filters, encoding) as film:
        _check(film, filled, encoding)
        clock, origin = film.pipeline.footage.clock, film.origin
        for number, (coded, decoded) in enumerate(_in_order(filled)):
            film.hear(origin + decoded * clock)
            film.picture.place(coded, decoded)
            if number % _TOLD == 0:
                progress(100 * number / total)
        film.finish()
    progress(100.0)


def _check(film: Film, shelves: Sequence[FilledShelf], encoding: Encoding) -> None:
    """Raise Misfit where the file would say something else than the stretches need."""
    headers = _essence(film.picture.headers, encoding.codec)
    for shelf in shelves:
        label = shelf.label
        if not label.pictures:
            continue
        if label.clock != film.pipeline.footage.clock:
            raise Misfit("a stretch counts time in another unit")
        if _essence(label.headers, encoding.codec) != headers:
            raise Misfit("a stretch was encoded in another way")


def _essence(headers: bytes, codec: str) -> list[bytes]:
    """What a decoder takes from an encoder's headers."""
    if codec != "hevc":
        return [headers]
    units = headers.split(_START_CODE)
    return [unit.rstrip(b"\0") for unit in units if unit and unit[0] >> 1 != _REMARK]


def _in_order(shelves: Sequence[FilledShelf]) -> Iterator[tuple[Coded, int]]:
    """All pictures in the order of decoding, and when each is to be decoded.

    That is as one encoder would have it: when the picture is shown that is so many
    places before it.
    """
    delay = max(shelf.label.delay for shelf in shelves)
    due: deque[int] = deque()
    is_first, last = True, None
    for shelf in shelves:
        times = shelf.times()
        if last is not None and times and times[0] <= last:
            raise Misfit("stretches overlap")
        if is_first and times:
            is_first = False
            ahead = times[min(delay, len(times) - 1)] - times[0]
            due.extend(time - ahead for time in times[:delay])
        due.extend(times)
        last = times[-1] if times else last
        for coded in shelf:
            yield coded, due.popleft()
