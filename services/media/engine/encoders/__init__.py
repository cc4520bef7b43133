"""How each codec's encoder is set up: one file a family, with what it can code."""

from services.media.engine.encoders import dnxhd, ffv1, h264, hevc, mpeg2, prores
from services.media.engine.encoders.settings import Settings
from services.media.engine.footage import Footage
from services.media.engine.plan import Encoding

_CODECS = {
    "dnxhd": dnxhd.settings,
    "ffv1": ffv1.settings,
    "h264": h264.settings,
    "hevc": hevc.settings,
    "mpeg2": mpeg2.settings,
    "prores": prores.settings,
    "web": h264.web_settings,
    "xdcam": mpeg2.xdcam_settings,
}


def settings_of(encoding: Encoding, footage: Footage) -> Settings:
    """What to tell which encoder. Raises KeyError or StopIteration for what it cannot code."""
    return _CODECS[encoding.codec](encoding, footage)
