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
    "dnxhd_444": {(1920, 1080, False): 350},
}
# DNxHR takes any size from this one up, progressive.
LEAST_WIDTH, LEAST_HEIGHT = 256, 120


def settings(encoding: Encoding, footage: Footage) -> Settings:
    """A profile of DNxHD, which has few sizes, or of DNxHR, which has them all."""
    if encoding.profile not in RASTERS:
        return Settings("dnxhd", {"profile": encoding.profile})
    raster = footage.width, footage.height, footage.field_order is not None
    rate = RASTERS[encoding.profile][raster]
    return Settings("dnxhd", {"b": f"{rate}M", **field_flags(footage)})
