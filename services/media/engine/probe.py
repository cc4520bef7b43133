"""Reads what a video file holds, exactly, by its index or by walking through all its packets."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.codec import Codec
from av.container import InputContainer
from av.video.stream import VideoStream

from services.media.engine.cutoff import ends_early
from services.media.engine.failure import BadMedia
from services.media.engine.indexed import indexed
from services.media.engine.kinds import PICTURE
from services.media.engine.pixels import Pixels, describe
from services.media.engine.reading import (
    MAX_SECONDS,
    frames_of,
    open_video,
    packets_of,
    video_stream,
)
from services.media.engine.scanning.told import told_scanning
from services.media.engine.tally import Progress as Progress
from services.media.engine.tally import Tally, walked


@dataclass(frozen=True)
class VideoFacts:
    """What a video file holds. Names are FFmpeg's; the sizes are of stored pixels."""

    container_name: str
    long_container_name: str
    codec_name: str
    long_codec_name: str
    pixels: Pixels
    width: int
    height: int
    # Width over height as shown before any rotation; None when the file is silent.
    display_aspect_ratio: Fraction | None
    # progressive, interlaced or unknown
    scanning: str
    # top_first or bottom_first, when interlaced
    field_order: str | None
    # Frames per second over the whole video.
    average_rate: Fraction
    # Seconds from the first frame to the end of the last.
    duration: Fraction
    frames: int
    # Bytes of the file, and of the video in it.
    size: int
    stream_size: int


def probe(path: Path, progress: Progress) -> VideoFacts:
    """Read the facts of a video file; `progress` takes 0 to 100.

    Raises BadMedia when the file is no video, is cut off, or is too long.
    """
    with open_video(path) as container:
        stream = video_stream(container)
        tally = indexed(path, container, stream)
        if tally is None:
            tally = walked(container, stream, path.stat().st_size, progress)
            _check_whole(path, stream, tally)
        progress(100.0)
        frames = tally.shown - tally.fields // 2
        if tally.fields % 2 or not tally.paired:
            frames = _count_frames(path)
        span = _span(container, stream, tally)
        if frames == 1 and container.format.name == "gif":
            raise BadMedia(PICTURE)
        if not frames or not span:
            raise BadMedia("The file holds no frame of video.")
        if span > MAX_SECONDS:
            raise BadMedia("The video is longer than 24 hours.")
        rate = _average_rate(stream, frames, span)
        duration = _told_duration(container, stream, tally, span) or frames / rate
        return _facts(path, container, stream, tally, frames, rate, duration)


def _facts(
    path: Path,
    container: InputContainer,
    stream: VideoStream,
    tally: Tally,
    frames: int,
    rate: Fraction,
    duration: Fraction,
) -> VideoFacts:
    context = stream.codec_context
    name = context.codec.canonical_name
    shape = stream.sample_aspect_ratio
    scanning = told_scanning(path, stream)
    return VideoFacts(
        container_name=container.format.name,
        long_container_name=container.format.long_name,
        codec_name=name,
        long_codec_name=Codec(name).long_name,
        pixels=describe(str(context.pix_fmt)),
        width=context.width,
        height=context.height,
        display_aspect_ratio=shape * context.width / context.height if shape else None,
        scanning=scanning.kind,
        field_order=scanning.field_order,
        average_rate=rate,
        duration=duration,
        frames=frames,
        size=path.stat().st_size,
        stream_size=tally.bytes,
    )


def _check_whole(path: Path, stream: VideoStream, tally: Tally) -> None:
    announced = stream.frames
    missing = tally.packets < announced if announced else True
    if missing and ends_early(path):
        raise BadMedia("The file is cut off: it ends before its video does.")


def _count_frames(path: Path) -> int:
    """Frames by decoding, as coarsely as the decoder will do it."""
    with open_video(path) as container:
        stream = video_stream(container)
        stream.thread_type = "AUTO"
        stream.codec_context.options = {"skip_loop_filter": "all", "skip_idct": "all"}
        return sum(1 for _ in frames_of(stream, packets_of(container, stream)))


def is_end_told(container_name: str) -> bool:
    """Whether files tell how long their last frame is shown, which most leave out."""
    return "mov" in container_name or container_name == "gif"


def _span(container: InputContainer, stream: VideoStream, tally: Tally) -> Fraction:
    """Seconds from the first frame to the end of the last, as their packets say."""
    unit = stream.time_base or Fraction(1)
    if tally.first is None:
        # Bare codec streams carry no times, only a rate.
        return tally.durations * unit
    span = tally.last - tally.first
    last = Fraction(tally.last_duration)
    if not is_end_told(container.format.name) and tally.shown > 1:
        # FFmpeg's guess can be one tick.
        usual = Fraction(span, tally.shown - 1)
        last = last if last > usual / 2 else usual
    return (span + last) * unit


def _told_duration(
    container: InputContainer, stream: VideoStream, tally: Tally, span: Fraction
) -> Fraction | None:
    """What a MOV's or MP4's edit list says; None where it does not tell, or cannot be right.

    An edit may cut a frame short. Durations of packets are in the order of
    decoding: where they vary, that of the frame shown last is another one's.
    So is what a file without edits tells, which is their sum; but where it is
    more, players show the last frame until then.
    """
    if "mov" not in container.format.name or not stream.duration or stream.time_base is None:
        return None
    told = stream.duration * stream.time_base
    if stream.duration == tally.durations and told <= span:
        return None
    return told if abs(told - span) <= tally.longest * stream.time_base else None


def _average_rate(stream: VideoStream, frames: int, span: Fraction) -> Fraction:
    """Frames over time; the declared rate where they differ only by rounded times."""
    rounding = 2 * (stream.time_base or Fraction(0))
    for declared in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        # A tick may be as long as a frame, and a frame less is no rounding.
        if declared and abs(span - frames / declared) <= min(rounding, 1 / (3 * declared)):
            return Fraction(declared)
    return frames / span
