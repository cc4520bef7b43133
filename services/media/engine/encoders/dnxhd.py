"""Avid DNxHD and DNxHR."""

from services.media.engine.encoders.settings import Settings, field_flags
from services.media.engine.footage import Footage
from services.media.engine.plan import Encoding

# By the Video API's names of profiles. The encoder has no 12 bits, which
# dnxhr_hqx and dnxhr_444 may have.
PIXEL_FORMATS = {
    "dnxhd_lb": "yuv422p",
    "dnxhd_sq": "yuv422p",
    "dnxhd_hq": "yuv422p",
    "dnxhd_hqx": "yuv422p10le",
    "dnxhd_444": "yuv444p10le",
    "dnxhr_lb": "yuv422p",
    "dnxhr_sq": "yuv422p",
    "dnxhr_hq": "yuv422p",
    "dnxhr_hqx": "yuv422p10le",
    "dnxhr_444": "yuv444p10le",
}

# DNxHD has frames of a fixed number of bytes, which the profile and the raster
# decide: (width, height, interlaced). FFmpeg's encoder wants to be told one of
# the rates in Mbit/s that such frames make at some frame rate.
RASTERS = {
    "dnxhd_lb": {(1920, 1080, False): 36},
    "dnxhd_sq": {(1920, 1080, False): 120, (1920, 1080, True): 120, (1280, 720, False): 60},
    "dnxhd_hq": {(1920, 1080, False): 185, (1920, 1080, True): 185, (1280, 720, False): 90},
    "dnxhd_hqx": {(1920, 1080, False): 185, (1920, 1080, True): 185, (1280, 720, False): 90},
}
# The one size of dnxhd_444; progressive.
RASTER_444 = 1920, 1080
# Of VC-3 frames: where the version stands and where the number of the format.
_VERSION, _COMPRESSION_ID = 4, slice(0x28, 0x2C)
_DNXHD_VERSION = 1
_DNXHD_444 = 1256
# DNxHR takes any size from this one up, progressive.
LEAST_WIDTH, LEAST_HEIGHT = 256, 120


def settings(encoding: Encoding, footage: Footage) -> Settings:
    """A profile of DNxHD, which has few sizes, or of DNxHR, which has them all."""
    if encoding.profile == "dnxhd_444":
        return Settings("dnxhd", {"profile": "dnxhr_444"}, relabel=_as_dnxhd_444, profile="DNXHD")
    if encoding.profile not in RASTERS:
        return Settings("dnxhd", {"profile": encoding.profile})
    raster = footage.width, footage.height, footage.field_order is not None
    rate = RASTERS[encoding.profile][raster]
    return Settings("dnxhd", {"b": f"{rate}M", **field_flags(footage)})


def _as_dnxhd_444(frame: bytes) -> bytes:
    """A frame of DNxHR 444 at 1920x1080 as the frame of DNxHD 444 that it is but for its header.

    FFmpeg does not offer to encode the latter: same tables, same number of bytes.
    """
    labelled = bytearray(frame)
    labelled[_VERSION] = _DNXHD_VERSION
    labelled[_COMPRESSION_ID] = _DNXHD_444.to_bytes(4, "big")
    return bytes(labelled)
