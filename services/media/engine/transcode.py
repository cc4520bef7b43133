"""Makes a new file of a video: decodes, filters, encodes, and carries sound along."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from services.media.engine.boxes import colour_volume_of_index, place, reserve
from services.media.engine.containers import CONTAINERS, Container, create
from services.media.engine.opening import opening
from services.media.engine.part import Range
from services.media.engine.picture import Picture
from services.media.engine.pipeline import Pipeline, lead
from services.media.engine.plan import Encoding, Filters
from services.media.engine.probe import VideoFacts
from services.media.engine.reading import open_video, video_stream
from services.media.engine.sound import Track, sound_tracks
from services.media.engine.tags import carry_chapters, carry_tags
from services.media.engine.timecode import moved_timecode, source_timecode

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
    ahead = (lead(filters) + 1) / facts.average_rate
    part = opening(source, facts, filters.start, filters.end, ahead)
    if not container.late_starts:
        part = replace(part, origin=part.start)
    with open_video(source) as reader, create(destination, container, encoding.codec) as writer:
        stream = video_stream(reader)
        part.enter(reader)
        pipeline = Pipeline(stream, facts, filters, part)
        picture = Picture(writer, encoding, pipeline.footage)
        kept = Range(part.origin, part.end, cut=filters.start > 0)
        sounds = sound_tracks(reader, writer, container, kept)
        volume = colour_volume_of_index(encoding, pipeline.footage)
        if volume:
            reserve(writer, volume)
        _tag(picture.stream, stream, container, facts.average_rate, filters.start)
        carry_chapters(reader, writer, kept)
        packets = _packets(reader, [stream, *(reader.streams[index] for index in sounds)])
        length = float((filters.end or facts.duration) - filters.start)
        for frame in pipeline.frames(_without_sound(packets, sounds)):
            picture.encode(frame)
            progress(min(100.0, picture.seconds * 100 / length))
        picture.finish()
        if part.end is not None:
            _hear_out(packets, sounds, part.end)
        for sound in sounds.values():
            sound.finish(picture.end)
    if volume:
        place(destination, volume)
    progress(100.0)


def _tag(
    made: VideoStream, source: VideoStream, container: Container, rate: Fraction, start: Fraction
) -> None:
    """Give the new picture what the old one's stream is told to be."""
    carry_tags(source, made, container)
    timecode = source_timecode(source)
    if container.timecode and timecode and made.codec_context.framerate:
        moved = moved_timecode(timecode, rate, start, made.codec_context.framerate)
        made.metadata.update({"timecode": moved} if moved else {})


def _without_sound(
    packets: "Iterator[Packet[Any]]", sounds: Mapping[int, Track]
) -> "Iterator[Packet[VideoStream]]":
    """The packets of the picture; those of sound are put into their tracks on the way."""
    for packet in packets:
        if packet.stream_index in sounds:
            sounds[packet.stream_index].take(packet)
        else:
            yield packet


def _hear_out(packets: "Iterator[Packet[Any]]", sounds: Mapping[int, Track], end: Fraction) -> None:
    """Put sound into its tracks up to a time: files store it later than its picture."""
    going_on = set(sounds)
    while going_on and (packet := next(packets, None)) is not None:
        if packet.stream_index not in sounds:
            continue
        sounds[packet.stream_index].take(packet)
        if packet.pts is None or packet.pts * packet.time_base >= end:
            going_on.discard(packet.stream_index)


def _packets(reader: InputContainer, streams: list[Stream]) -> "Iterator[Packet[Any]]":
    """The packets of some streams, up to the end or to where the file cannot be followed."""
    try:
        for packet in reader.demux(streams):
            if packet.size:
                yield packet
    except av.error.InvalidDataError:
        return
