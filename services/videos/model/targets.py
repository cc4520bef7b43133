"""Decides what a `process-video` request makes, from the wish and the source's facts."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from services.videos.model.bitrate import decide_bitrate
from services.videos.model.codecs import pixel_format
from services.videos.model.frames import decide_size, fit
from services.videos.model.packaging import decide_package
from services.videos.model.pixels import decide_pixels
from services.videos.model.problems import Problems
from services.videos.model.scanning import Scan, decide_scan
from services.videos.model.size import Size
from services.videos.model.timing import decide_range, decide_timing
from services.videos.model.vocabulary import known
from services.videos.model.wishes import Source, Wish

_ROWS = {"4:2:0": 2, "4:4:0": 2, "4:1:0": 4}
"""Rows of luma for one of chroma."""


@dataclass(frozen=True)
class Target:
    """What a processing makes, everything decided, in values that JSON has.

    Bits per second, None where the content decides; times in milliseconds. Empty words
    mean that there is no such thing. `start` and `end` are what was asked for, `clip_start`
    and `clip_end` (none: the source's) what that comes to. `frame_rate` is a
    fraction in words, of pictures before interlacing; `average_framerate` of frames after.
    """

    container: str
    codec: str
    pixel_format: str
    yuv: str
    bits: int
    bitrate: int | None
    width: int
    height: int
    file_name: str
    profile: str = ""
    source_field_order: str = ""
    deinterlacer: str = ""
    denoiser: str = ""
    scaler: str = ""
    frame_rate_converter: str = ""
    frame_rate: str = ""
    target_field_order: str = ""
    average_framerate: float | None = None
    start: int | None = None
    end: int | None = None
    clip_start: int = 0
    clip_end: int | None = None


def decide(wish: Wish, source: Source) -> Target:
    """Return the target that `wish` asks of `source`.

    Raises Invalid with one violation per field that is wrong or that nothing
    can run yet; what the wish leaves out follows from the source.
    """
    problems = Problems()
    wish = known(wish.normalised(), problems)
    package = decide_package(wish, source, decide_size(wish, source, problems), problems)
    scan = decide_scan(wish, source, package, problems)
    yuv, bits = decide_pixels(wish, source, package.encoding, problems)
    interlaced = bool(scan.target_field_order)
    size = decide_size(wish, source, problems, rows=_rows(scan, yuv))
    size = fit(size, wish, package.encoding, problems, interlaced=interlaced)
    timing = decide_timing(wish, source, package, scan, problems)
    bitrate = decide_bitrate(wish, source, package, size, yuv, timing.stored, problems)
    start, end = decide_range(wish, source, problems)
    problems.refuse()
    return Target(
        container=package.container,
        codec=package.codec,
        profile=package.profile,
        pixel_format=pixel_format(yuv, bits),
        yuv=yuv,
        bits=bits,
        bitrate=bitrate,
        width=size.width,
        height=size.height,
        file_name=f"{PurePosixPath(source.file_name).stem}.{package.container}",
        source_field_order=scan.source_field_order,
        deinterlacer=scan.deinterlacer,
        denoiser=wish.denoiser or "",
        scaler="scale" if size != Size(source.width, source.height) else "",
        frame_rate_converter=timing.converter,
        frame_rate=str(timing.made) if timing.made is not None else "",
        target_field_order=scan.target_field_order,
        average_framerate=float(timing.stored) or None,
        start=wish.start,
        end=wish.end,
        clip_start=start,
        clip_end=end,
    )


def _rows(scan: Scan, yuv: str) -> int:
    """What the height is to be a multiple of: each field needs whole rows of chroma."""
    return 2 * _ROWS.get(yuv, 1) if scan.target_field_order else 2
