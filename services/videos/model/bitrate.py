"""Decides the bit rate of the video, in bits per second."""

from fractions import Fraction

from services.videos.model.codecs import Encoding
from services.videos.model.packaging import Package
from services.videos.model.problems import Problems
from services.videos.model.size import Size
from services.videos.model.wishes import Source, Wish

LEAST_MBPS, MOST_MBPS = 0.01, 4000.0
BITS_PER_PIXEL = 0.1
"""What h264 needs for a decent picture, where the source does not say what it used."""
MOST_BITS_PER_PIXEL = 1.0
"""What h264 can use at all: sources for editing have far more."""

_RELATIVE = {
    **{"av1": 0.5, "hevc": 0.6, "vp9": 0.6, "h264": 1.0, "vp8": 1.2, "mpeg4": 1.5},
    **{"mpeg2": 2.0, "xdcam": 2.0, "mpeg1video": 2.0, "prores": 4.0, "dnxhd": 4.0, "mjpeg": 4.0},
    **{"dvvideo": 4.0, "ffv1": 10.0, "rawvideo": 25.0, "v210": 25.0},
}
"""Bits for pictures that look alike, beside h264's. What is not listed counts as h264."""


def decide_bitrate(
    wish: Wish,
    source: Source,
    package: Package,
    size: Size,
    yuv: str,
    stored: Fraction,
    problems: Problems,
) -> int | None:
    """Return bits per second, None where the content decides; `stored` are frames a second."""
    encoding = package.encoding
    limit = int(encoding.most_bits.get(yuv, MOST_MBPS * 1e6))
    if wish.mbps is not None and _is_possible(wish.mbps, encoding, limit, problems):
        return round(wish.mbps * 1e6)
    if encoding.bitrate is not None:
        return encoding.bitrate
    if not encoding.sets_bitrate:
        frame_bytes = encoding.bytes_a_frame(size)
        return round(frame_bytes * 8 * stored) or None if frame_bytes else None
    return round(min(max(_natural(source, package.codec, size), LEAST_MBPS * 1e6), limit))


def _is_possible(mbps: float, encoding: Encoding, limit: int, problems: Problems) -> bool:
    field = "bitrate.mbps"
    if not LEAST_MBPS <= mbps <= MOST_MBPS:
        problems.add(field, f"{mbps} is not between {LEAST_MBPS} and {MOST_MBPS}")
    elif not encoding.sets_bitrate:
        why = "the content decides" if encoding.name == "ffv1" else "the profile decides"
        problems.add(field, f"cannot be chosen with {encoding.name}: {why}")
    elif encoding.bitrate is not None and round(mbps * 1e6) != encoding.bitrate:
        problems.add(field, f"{encoding.name} has {encoding.bitrate / 1e6:g}, not {mbps:g}")
    elif mbps * 1e6 > limit:
        problems.add(field, f"{encoding.name} has {limit / 1e6:g} at most, not {mbps:g}")
    else:
        return True
    return False


def _natural(source: Source, codec: str, size: Size) -> float:
    """The source's rate for as many pixels as the target has, in the target's codec."""
    pixels = size.width * size.height
    factor = _RELATIVE.get(codec, 1.0)
    a_second = float(source.frame_rate) or 25.0
    if not source.bitrate:
        return BITS_PER_PIXEL * pixels * a_second * factor
    rate = source.bitrate * pixels / max(source.width * source.height, 1)
    same_look = rate * factor / _RELATIVE.get(source.codec, 1.0)
    return min(same_look, MOST_BITS_PER_PIXEL * pixels * a_second * factor)
