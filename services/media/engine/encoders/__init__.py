"""How each codec's encoder is set up."""

from av.container import OutputContainer
from av.video.stream import VideoStream

from services.media.engine.encoders.h264 import h264
from services.media.engine.footage import Footage
from services.media.engine.plan import Encoding

_CODECS = {"h264": h264}


def encoder(target: OutputContainer, encoding: Encoding, footage: Footage) -> VideoStream:
    """A stream in a new file that encodes pictures as `encoding` says."""
    return _CODECS[encoding.codec](target, encoding, footage)
