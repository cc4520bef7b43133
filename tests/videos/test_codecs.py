"""What the catalogue promises of codecs is what the encoders do."""

from fractions import Fraction

import av
import pytest
from av.video.codeccontext import VideoCodecContext

from services.videos.model.codecs import DNXHD, FULL_HD, HD, PLAIN, PRORES, Encoding, pixel_format
from services.videos.model.size import Size

ENCODERS = {
    "h264": "libx264",
    "hevc": "libx265",
    "mpeg2": "mpeg2video",
    "xdcam": "mpeg2video",
    "ffv1": "ffv1",
    **dict.fromkeys(PRORES, "prores_ks"),
    **dict.fromkeys(DNXHD, "dnxhd"),
}
ENCODINGS = {**PLAIN, **PRORES, **DNXHD}
INTERLACED = "+ildct+ilme"


def opened(name: str, pixels: str, size: Size, **options: str) -> VideoCodecContext:
    """An encoder set up for a profile. Raises av.error.FFmpegError for what it does not take."""
    context = av.CodecContext.create(ENCODERS[name], "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height = size
    context.pix_fmt = pixels
    context.framerate = Fraction(25)
    # FFmpeg has DNxHD 4:4:4 by the name of DNxHR alone: the bytes are the same.
    profile = "dnxhr_444" if name == "dnxhd_444" else name
    if profile in PRORES or profile.startswith("dnxhr"):
        options["profile"] = profile
    elif profile.startswith("dnxhd"):
        # The rates at 25 frames by which the encoder knows the profiles.
        megabits = encoding_bytes(ENCODINGS[name], size) * 8 * 25 / 1e6
        options["b"] = f"{round(megabits / 5) * 5 if megabits > 40 else 36}M"
    if name == "hevc":
        options["x265-params"] = "log-level=none"
    context.options = options
    context.open()
    return context


def encoding_bytes(encoding: Encoding, size: Size) -> int:
    """Bytes of a frame that has a fixed number of them."""
    found = encoding.bytes_a_frame(size)
    assert found is not None
    return found


@pytest.mark.parametrize("name", ENCODINGS)
def test_encoders_take_every_pixel_format_that_is_offered(name: str) -> None:
    encoding = ENCODINGS[name]
    taken = {each.name for each in av.codec.Codec(ENCODERS[name], "w").video_formats or ()}
    for yuv, depths in encoding.depths.items():
        for bits in depths:
            assert pixel_format(yuv, bits) in taken
            for size in encoding.frames or (Size(320, 240),):
                opened(name, pixel_format(yuv, bits), size)


@pytest.mark.parametrize("name", ENCODINGS)
def test_encoders_take_fields_where_they_are_offered(name: str) -> None:
    encoding = ENCODINGS[name]
    if encoding.interlaces:
        [yuv, *_] = encoding.depths
        [bits, *_] = encoding.depths[yuv]
        for size in encoding.interlaced_frames or (Size(320, 240),):
            opened(name, pixel_format(yuv, bits), size, flags=INTERLACED)
    elif name in DNXHD:
        [(yuv, [bits])] = encoding.depths.items()
        with pytest.raises(av.error.FFmpegError):
            opened(name, pixel_format(yuv, bits), FULL_HD, flags=INTERLACED)


def black(size: Size, pixels: str) -> av.VideoFrame:
    """A frame of zeros. What memory happens to hold may be no sample of ten bits at all, and the
    encoder then writes beyond its buffers.
    """
    frame = av.VideoFrame(size.width, size.height, pixels)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    return frame


@pytest.mark.parametrize("name", DNXHD)
def test_frames_of_vc3_have_the_bytes_that_are_reported(name: str) -> None:
    encoding = DNXHD[name]
    [(yuv, [bits])] = encoding.depths.items()
    for size in encoding.frames or (FULL_HD, HD, Size(256, 120), Size(718, 404)):
        pixels = pixel_format(yuv, bits)
        context = opened(name, pixels, size)
        frame = black(size, pixels)
        frame.pts = 0
        [packet] = [*context.encode(frame), *context.encode(None)]
        assert packet.size == encoding.bytes_a_frame(size)


def test_smaller_frames_than_the_least_are_refused_by_dnxhr() -> None:
    with pytest.raises(av.error.FFmpegError):
        opened("dnxhr_sq", "yuv422p", Size(254, 120))
    with pytest.raises(av.error.FFmpegError):
        opened("dnxhr_sq", "yuv422p", Size(256, 118))
