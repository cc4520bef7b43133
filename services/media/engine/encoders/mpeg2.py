"""MPEG-2, and the form of it that Sony's XDCAM HD422 is."""

from fractions import Fraction

from services.media.engine.encoders.settings import Settings, field_flags
from services.media.engine.footage import Footage
from services.media.engine.plan import Encoding

PIXEL_FORMATS = ("yuv420p", "yuv422p")
# Frames per second that MPEG-2 can say.
RATES = tuple(
    Fraction(rate) for rate in ("24000/1001", 24, 25, "30000/1001", 30, 50, "60000/1001", 60)
)
# What its highest levels hold, and how fast.
MAX_WIDTH, MAX_HEIGHT = 1920, 1152
MAX_BITRATES = {"yuv420p": 80_000_000, "yuv422p": 300_000_000}

XDCAM_SIZE = 1920, 1080
XDCAM_BITRATE = 50_000_000
XDCAM_RATES = tuple(Fraction(rate) for rate in ("24000/1001", 25, "30000/1001"))
# Bits of its decoder's buffer, as Sony's own recorders declare it.
_XDCAM_BUFFER = 36_405_248

# What the levels hold: profile's format, width, height, bits per second, and
# the level's number and its buffer in bits.
_LEVELS = (
    ("yuv420p", 720, 576, 15_000_000, 8, 1_835_008),
    ("yuv420p", 1440, 1152, 60_000_000, 6, 7_340_032),
    ("yuv420p", 1920, 1152, 80_000_000, 4, 9_781_248),
    ("yuv422p", 720, 608, 50_000_000, 5, 9_437_184),
    ("yuv422p", 1920, 1152, 300_000_000, 2, 47_185_920),
)
_PROFILES = {"yuv420p": 4, "yuv422p": 0}


def settings(encoding: Encoding, footage: Footage) -> Settings:
    """MPEG-2 of the lowest level that holds the picture, at an average bit rate."""
    level, buffer = next(
        (number, bits)
        for pixel_format, width, height, bitrate, number, bits in _LEVELS
        if pixel_format == footage.pixel_format
        and footage.width <= width
        and footage.height <= height
        and encoding.bitrate <= bitrate
    )
    rate = str(encoding.bitrate)
    return Settings(
        "mpeg2video",
        {
            "profile": str(_PROFILES[footage.pixel_format]),
            "level": str(level),
            "b": rate,
            "maxrate": rate,
            "bufsize": str(buffer),
            **_pictures(footage),
        },
        counts=True,
    )


def xdcam_settings(encoding: Encoding, footage: Footage) -> Settings:
    """XDCAM HD422: 4:2:2@High at a constant 50 Mbit/s."""
    return Settings(
        "mpeg2video",
        {
            "profile": "0",
            "level": "2",
            "b": str(XDCAM_BITRATE),
            "minrate": str(XDCAM_BITRATE),
            "maxrate": str(XDCAM_BITRATE),
            "bufsize": str(_XDCAM_BUFFER),
            "rc_init_occupancy": str(_XDCAM_BUFFER * 3 // 4),
            "dc": "10",
            "intra_vlc": "1",
            "non_linear_quant": "1",
            "qmin": "1",
            "lmin": "118",
            "qmax": "28",
            **_pictures(footage),
        },
        counts=True,
    )


def _pictures(footage: Footage) -> dict[str, str]:
    """Groups of half a second with two B-frames between references, as broadcast has them."""
    distance = 15 if footage.rate > 26 else 12
    return {"g": str(distance), "bf": "2", "b_strategy": "0", "sc_threshold": "1000000000"} | (
        field_flags(footage)
    )
