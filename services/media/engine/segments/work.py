"""How much work a conversion is, roughly, and how much of it the beginning of a stretch is."""

from fractions import Fraction

from services.media.engine.filters.deinterlace import NEIGHBOURS, doubles_rate
from services.media.engine.plan import Encoding, Filters
from services.media.engine.probe import VideoFacts

# Seconds of one processor core for a megapixel, measured on film of 720p.
_DECODING = 0.005
_DEINTERLACERS = {"yadif": 0.004, "bwdif": 0.006, "weston3f": 0.006}
_DENOISERS = {"hqdn3d": 0.015}
_CONVERTERS = {"fps": 0.0, "fblend": 0.005, "mcinterpolate": 0.3}
_CODECS = {
    "h264": 0.04,
    "hevc": 0.08,
    "prores": 0.09,
    "dnxhd": 0.015,
    "mpeg2": 0.015,
    "xdcam": 0.015,
    "ffv1": 0.02,
}

# The encoders of codecs whose pictures do not stand alone need a while to find the bits
# that pictures need: so many seconds before the stretch they begin.
SETTLING = {
    # An average is found slowly: pictures after a seam are within 1.5 dB of those without one, and
    # within 3 dB where it begins but one and a half seconds before.
    "h264": Fraction(4),
    "hevc": Fraction(1),
    "mpeg2": Fraction(1, 2),
    "xdcam": Fraction(1, 2),
}
# Those that let pictures before a key frame refer to it. (x265 dies of being told
# what pictures to make of others than key frames.)
OPEN = frozenset({"mpeg2", "xdcam"})
# Those that look ahead save on the last pictures: so many seconds later they end.
OUTLOOK = {"h264": Fraction(1, 2), "hevc": Fraction(1, 2)}

# Frames until filters have forgotten where they began: what looks at its neighbours,
# what keeps a running mean, what follows movements.
_NEIGHBOURS = 2 * NEIGHBOURS + 2
_MEMORY = {"hqdn3d": 48}
_HISTORY = {"mcinterpolate": 6}


def core_seconds(
    facts: VideoFacts, filters: Filters, encoding: Encoding, seconds: Fraction
) -> float:
    """What making so many seconds of a video costs, to a factor of two or so."""
    frames = float(facts.average_rate * seconds)
    before = facts.width * facts.height * frames / 1e6
    whole = before * (2 if doubles_rate(filters.deinterlacer) else 1)
    shown = float(filters.frame_rate * seconds) if filters.frame_rate else frames
    after = filters.width * filters.height * shown / 1e6
    return (
        before * _DECODING
        + whole * (_DEINTERLACERS.get(filters.deinterlacer, 0.0))
        + whole * (_DENOISERS.get(filters.denoiser, 0.0))
        + after * _CONVERTERS.get(filters.frame_rate_converter, 0.0)
        + after * _CODECS[encoding.codec]
    )


def settling(encoding: Encoding) -> Fraction:
    """How many seconds before a stretch its encoder begins."""
    return SETTLING.get(encoding.codec, Fraction(0))


def outlook(encoding: Encoding) -> Fraction:
    """How many seconds after a stretch its encoder ends."""
    return OUTLOOK.get(encoding.codec, Fraction(0))


def run_in(facts: VideoFacts, filters: Filters, encoding: Encoding) -> Fraction:
    """How many seconds before a stretch filtering begins, so that nobody sees where it did."""
    frames = (
        _NEIGHBOURS
        + _MEMORY.get(filters.denoiser, 0)
        + _HISTORY.get(filters.frame_rate_converter, 0)
    )
    return max(frames / facts.average_rate, settling(encoding) + _NEIGHBOURS / facts.average_rate)
