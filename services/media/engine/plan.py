"""What to make of a video: everything is decided before the work starts."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Filters:
    """What happens to the pictures between decoding and encoding. Empty words: nothing."""

    # Of the stored frame in pixels, even.
    width: int
    height: int
    # FFmpeg's name of the pixel format that the encoder takes.
    pixel_format: str
    # top_first or bottom_first: the source is to be taken as interlaced.
    source_field_order: str = ""
    # yadif, bwdif or weston3f
    deinterlacer: str = ""
    # hqdn3d
    denoiser: str = ""
    # fps, fblend or mcinterpolate
    frame_rate_converter: str = ""
    # Frames per second before interlacing; None: frames keep their times.
    frame_rate: Fraction | None = None
    # top_first or bottom_first: make interlaced pictures.
    target_field_order: str = ""
    # The pictures are for any screen: upright, of square pixels and in BT.709, whatever the
    # source says; width and height are as it shows them.
    screen: bool = False
    # Of pictures for any screen: cut off what stands out of the new shape; else the shape gives.
    fill: bool = False
    # The part to make, in seconds from the source's first picture; None: to its end.
    start: Fraction = Fraction(0)
    end: Fraction | None = None


@dataclass(frozen=True)
class Sound:
    """How the new file stores sound: one track, of two channels at most."""

    # aac, mp2, mp3, wmav1 or wmav2
    codec: str
    # Bits per second; an encoder that knows few takes the nearest.
    bitrate: int
    # Samples per second.
    rate: int


@dataclass(frozen=True)
class Encoding:
    """How the new file stores pictures."""

    # mov, mp4, mxf, mts, mkv, or web: an mp4 that browsers play
    container: str
    # h264, hevc, prores, dnxhd, mpeg2, xdcam, ffv1, or web: h264 as good as it needs to be
    codec: str
    # Of prores and dnxhd, as the Video API names it.
    profile: str = ""
    # Bits per second; 0 where the profile or the content decides.
    bitrate: int = 0
    # Of h264: the constant rate factor. The bit rate is then the most, instead of the average.
    quality: int | None = None
    # Most frames from one key frame to the next; 0: as the codec's encoder finds best.
    group: int = 0
    # None: sound stays as it is where the container takes it.
    sound: Sound | None = None
