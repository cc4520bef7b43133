"""Shows frames of a source as they are to be seen."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.video.frame import VideoFrame
from PIL import Image

from services.media.engine.colour import Colour, stored_colour
from services.media.engine.failure import BadMedia
from services.media.engine.filters.native import Step, filtered
from services.media.engine.filters.screen import on_screen, size_on_screen
from services.media.engine.glimpses import Glimpse, first_frame
from services.media.engine.probe import VideoFacts
from services.media.engine.reading import open_video, video_stream
from services.media.engine.shape import display_matrix

_PARITIES = {"top_first": "tff", "bottom_first": "bff"}
# What deinterlacers need of all planes.
_LEAST_SIDE = 16


@dataclass(frozen=True)
class Look:
    """What the frames of a source need to be shown."""

    stored: tuple[int, int]
    pixel_shape: Fraction | None
    colour: Colour
    display_matrix: tuple[int, ...] | None
    # top_first or bottom_first; empty: they are whole pictures.
    field_order: str

    def size(self, box: tuple[int, int], multiple: int = 1) -> tuple[int, int]:
        """The size, in pixels, to show a picture in within a box; never enlarged."""
        return size_on_screen(self.stored, self.pixel_shape, self.display_matrix, box, multiple)

    def pictures(
        self, glimpses: Iterable[Glimpse], size: tuple[int, int], *, crop: bool = False
    ) -> Iterator[tuple[Glimpse, Image.Image]]:
        """Each glimpse with its frame as it is to be seen, in sRGB.

        With `crop` it fills a size of another shape and is cut evenly, else it is stretched.
        """
        seen: deque[Glimpse] = deque()

        def whole() -> Iterator[VideoFrame]:
            for glimpse in glimpses:
                seen.append(glimpse)
                yield self._whole(glimpse) if self.field_order else glimpse.frame

        # All through the same filter: for HDR it takes seconds to get ready.
        filled = (self.pixel_shape or Fraction(1)) if crop else None
        for frame in on_screen(whole(), size, "rgb24", self.colour, self.display_matrix, filled):
            yield seen.popleft(), Image.fromarray(frame.to_ndarray())

    def _whole(self, glimpse: Glimpse) -> VideoFrame:
        """A picture of a frame's first field, with lines of those around."""
        step: Step = (
            "bwdif",
            {"mode": "send_frame", "deint": "all", "parity": _PARITIES[self.field_order]},
        )
        beside = (glimpse.before, glimpse.frame, glimpse.after)
        frames = [frame for frame in beside if frame is not None]
        made = filtered(iter(frames), lambda _: [step], self.colour.matrix)
        return list(made)[frames.index(glimpse.frame)]


def look_of(source: Path, facts: VideoFacts) -> Look:
    """How a source is to be shown; `facts` say what to take its scanning for.

    Raises BadMedia when none of its frames can be decoded.
    """
    with open_video(source) as reader:
        shape = video_stream(reader).sample_aspect_ratio
        first = first_frame(reader)
    if first is None:
        raise BadMedia("None of the video's frames can be decoded.")
    stored = facts.width, facts.height
    fields = facts.scanning == "interlaced" and min(stored) >= _LEAST_SIDE
    return Look(
        stored=stored,
        pixel_shape=shape or None,
        colour=stored_colour(first),
        display_matrix=display_matrix(first),
        field_order=(facts.field_order or "top_first") if fields else "",
    )
