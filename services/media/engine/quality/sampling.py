"""Takes a few frames from all over a video, decoding as little as that needs."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from services.media.engine.probe import VideoFacts
from services.media.engine.reading import open_video, packets_of, video_stream

FRAMES = 24
# Where key frames are too few, others are decoded: so many pixels in all.
_DECODED = 250_000_000
# Packets to read for a key frame after a move.
_PATIENCE = 300


def sampled(path: Path, facts: VideoFacts) -> Iterator[VideoFrame]:
    """Up to `FRAMES` frames: key frames, and others after them where those are too few.

    What is damaged is left out.
    """
    with open_video(path) as reader:
        entries: list[int | None] = [*_entries(reader, facts)] or [None]
    each = -(-FRAMES // len(entries))
    within = min(_DECODED // (facts.width * facts.height), facts.frames) // len(entries)
    step = max(1, within // each)
    with open_video(path) as reader:
        stream = video_stream(reader)
        stream.thread_type = "AUTO"
        for entry in entries:
            if entry is not None:
                reader.seek(entry, stream=stream)
            count = (each - 1) * step + 1
            frames = islice(_run(reader, stream, count), 0, None, step)
            yield from islice(frames, each)


def _entries(reader: InputContainer, facts: VideoFacts) -> list[int]:
    """Times of key frames, spread evenly, in the stream's ticks; few where a file has few."""
    stream = video_stream(reader)
    if stream.time_base is None:
        return []
    found: set[int] = set()
    for number in range(FRAMES):
        ahead = facts.duration * (2 * number + 1) / (2 * FRAMES)
        try:
            reader.seek((stream.start_time or 0) + int(ahead / stream.time_base), stream=stream)
            key = next(_from_key(reader, stream), None)
        except av.error.FFmpegError:
            continue
        if key is not None and key.pts is not None:
            found.add(key.pts)
    return sorted(found)


def _from_key(reader: InputContainer, stream: VideoStream) -> "Iterator[Packet[VideoStream]]":
    """The packets from the next key frame on."""
    begun = False
    for number, packet in enumerate(packets_of(reader, stream)):
        begun = begun or packet.is_keyframe
        if begun:
            yield packet
        elif number > _PATIENCE:
            return


def _run(reader: InputContainer, stream: VideoStream, count: int) -> Iterator[VideoFrame]:
    """So many frames from the next key frame on, or more, in the order of showing them."""
    # FFmpeg's AVFieldOrder; each field can have a packet of its own.
    packets = 2 * count if stream.codec_context.field_order > 1 else count
    with suppress(av.error.FFmpegError):
        for number, packet in enumerate(_from_key(reader, stream), 1):
            with suppress(av.error.InvalidDataError):
                yield from (frame for frame in packet.decode() if not frame.is_corrupt)
            if number == packets:
                break
    with suppress(av.error.FFmpegError):
        yield from (frame for frame in stream.decode(None) if not frame.is_corrupt)
