"""Apple ProRes, by prores_ks."""

from services.media.engine.encoders.settings import Settings, field_flags
from services.media.engine.footage import Footage
from services.media.engine.plan import Encoding

# By the Video API's names of profiles, which are the encoder's too.
PIXEL_FORMATS = {
    "proxy": "yuv422p10le",
    "lt": "yuv422p10le",
    "standard": "yuv422p10le",
    "hq": "yuv422p10le",
    "4444": "yuv444p10le",
    "4444xq": "yuv444p10le",
}


def settings(encoding: Encoding, footage: Footage) -> Settings:
    """A profile of ProRes at the bit rate that Apple gives it."""
    # Some editors only take what says that it comes from Apple.
    options = {"profile": encoding.profile, "vendor": "apl0"}
    return Settings("prores_ks", options | field_flags(footage))
