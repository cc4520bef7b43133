"""Makes a new file of a video: decodes, filters, encodes, and carries sound along."""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from services.media.engine.containers import CONTAINERS
from services.media.engine.failure import BadMedia
from services.media.engine.picture import Picture
from services.media.engine.pipeline import Pipeline
from services.media.engine.plan import Encoding, Filters
from services.media.engine.probe import VideoFacts
from services.media.engine.reading import open_video, video_stream
from services.media.engine.sound import Track, sound_tracks

Progress = Callable[[float], None]


def transcode(
    source: Path,
    destination: Path,
    facts: VideoFacts,
    filters: Filters,
    encoding: Encoding,
    progress: Progress,
) -> None:
    """Write a video, whose facts were probed, to `destination`.

    Sound is copied where the container takes its codec. Damaged stretches are
    left out. `progress` takes 0 to 100. Raises BadMedia when no frame can be
    decoded.
    """
    container = CONTAINERS[encoding.container]
    first = _first_frame(source)
    with (
        open_video(source) as reader,
        av.open(
            f"file:{destination.absolute()}",
            "w",
            format=container.muxer,
            container_options=container.options,
        ) as writer,
    ):
        stream = video_stream(reader)
        origin = _origin(reader, first)
        pipeline = Pipeline(stream, facts, filters, first, origin)
        picture = Picture(writer, encoding, pipeline.footage)
        sounds = sound_tracks(reader, writer, container, origin)
        packets = _packets(reader, [stream, *(reader.streams[index] for index in sounds)])
        for frame in pipeline.frames(_without_sound(packets, sounds)):
            picture.encode(frame)
            progress(min(100.0, picture.seconds * 100 / float(facts.duration)))
        picture.finish()
        for sound in sounds.values():
            sound.finish()
    progress(100.0)


def _without_sound(
    packets: "Iterator[Packet[Any]]", sounds: Mapping[int, Track]
) -> "Iterator[Packet[VideoStream]]":
    """The packets of the picture; those of sound are put into their tracks on the way."""
    for packet in packets:
        if packet.stream_index in sounds:
            sounds[packet.stream_index].take(packet)
        else:
            yield packet


def _first_frame(source: Path) -> VideoFrame:
    with open_video(source) as reader:
        stream = video_stream(reader)
        for packet in _packets(reader, [stream]):
            try:
                for frame in packet.decode():
                    return frame
            except av.error.InvalidDataError:
                continue
        for frame in stream.decode(None):
            return frame
    raise BadMedia("None of the video's frames can be decoded.")


def _packets(reader: InputContainer, streams: list[Stream]) -> "Iterator[Packet[Any]]":
    """The packets of some streams, up to the end or to where the file cannot be followed."""
    try:
        for packet in reader.demux(streams):
            if packet.size:
                yield packet
    except av.error.InvalidDataError:
        return


def _origin(reader: InputContainer, first: VideoFrame) -> Fraction:
    """When the first of picture and sound starts, in seconds; broadcasts start anywhere."""
    # A stream's start is that of its first packet, which B-frames make too late for a picture.
    starts = [
        Fraction(start * unit)
        for start, unit in (
            (first.pts, first.time_base),
            *((sound.start_time, sound.time_base) for sound in reader.streams.audio),
        )
        if start is not None and unit is not None
    ]
    return min(starts, default=Fraction(0))
