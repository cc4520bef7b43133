"""Makes the version of a video that browsers play."""

from pathlib import Path

from services.media.engine.plan import Encoding, Filters
from services.media.engine.previews.look import Look
from services.media.engine.probe import Progress, VideoFacts
from services.media.engine.transcode import transcode

# 720p.
_BOX = (1280, 720)
# A sample of chroma is shared by so many of luma, across and down.
_MULTIPLE = 2


def web_video(
    source: Path, destination: Path, facts: VideoFacts, look: Look, progress: Progress
) -> None:
    """Write H.264 and AAC in MP4, of at most 720p, upright and of square pixels.

    Frames keep their times. `progress` takes 0 to 100. Raises BadMedia when
    nothing can be decoded.
    """
    width, height = look.size(_BOX, _MULTIPLE)
    filters = Filters(
        width=width,
        height=height,
        pixel_format="yuv420p",
        source_field_order=look.field_order,
        deinterlacer="yadif" if look.field_order else "",
        screen=True,
    )
    transcode(source, destination, facts, filters, Encoding("web", "web"), progress)
