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
_BITS_OF_A_PIXEL = 12
_PROFILES = {"yuv420p": 4, "yuv422p": 0}


def group_length(footage: Footage) -> int:
    """Frames from one key frame to the next."""
    return 15 if footage.rate > 26 else 12


def settings(encoding: Encoding, footage: Footage) -> Settings:
    """MPEG-2 of the lowest level that holds the picture, at a constant bit rate."""
    level, buffer = next(
        (number, bits)
        for pixel_format, width, height, bitrate, number, bits in _LEVELS
        if pixel_format == footage.pixel_format
        and footage.width <= width
        and footage.height <= height
        and encoding.bitrate <= bitrate
    )
    # A bit longer than a stream can say that a picture waits in the buffer: trying to
    # say so, FFmpeg's encoder dies of pictures that are too hard for a low rate.
    buffer = min(buffer, encoding.bitrate * 3 // 4)
    return Settings(
        "mpeg2video",
        {
            "profile": str(_PROFILES[footage.pixel_format]),
            "level": str(level),
            **_rate(encoding.bitrate, buffer, footage),
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
            **_rate(XDCAM_BITRATE, _XDCAM_BUFFER, footage),
            "intra_dc_precision": "2",
            "intra_vlc": "1",
            "non_linear_quant": "1",
            "qmax": "28",
            **_pictures(footage),
        },
        counts=True,
    )


def _rate(bitrate: int, buffer: int, footage: Footage) -> dict[str, str]:
    """So many bits each second: where the picture is too easy for them, with stuffing."""
    # FFmpeg's encoder has no room for more stuffing than the bare picture would fill.
    most = footage.width * footage.height * footage.rate * _BITS_OF_A_PIXEL
    return {
        "b": str(bitrate),
        "minrate": str(bitrate if bitrate <= most else 0),
        "maxrate": str(bitrate),
        "bufsize": str(buffer),
        "rc_init_occupancy": str(buffer * 6 // 7),
        # The finest quantizer, and the least weight of bits that leads to it.
        "qmin": "1",
        "lmin": "118",
    }


def _pictures(footage: Footage) -> dict[str, str]:
    """Groups of half a second with two B-frames between references, as broadcast has them."""
    return {
        "g": str(group_length(footage)),
        "bf": "2",
        "b_strategy": "0",
        "sc_threshold": "1000000000",
    } | (field_flags(footage))
