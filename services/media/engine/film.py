"""A new file of a video on its way: its picture, its sound, and what is told of both."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.packet import Packet
from av.video.stream import VideoStream

from services.media.engine.boxes import colour_volume_of_index, place, reserve
from services.media.engine.containers import CONTAINERS, Container, create
from services.media.engine.opening import Opening, opening
from services.media.engine.part import Range
from services.media.engine.picture import Picture
from services.media.engine.pipeline import Pipeline, lead
from services.media.engine.plan import Encoding, Filters
from services.media.engine.probe import VideoFacts
from services.media.engine.reading import open_video, packets_of, video_stream
from services.media.engine.sound import Track, sound_tracks
from services.media.engine.tags import carry_chapters, carry_tags
from services.media.engine.timecode import moved_timecode, source_timecode


def lead_seconds(facts: VideoFacts, filters: Filters) -> Fraction:
    """How long before a frame reading is to begin for the filters to see its neighbours."""
    return (lead(filters) + 1) / facts.average_rate


def part_of(source: Path, facts: VideoFacts, filters: Filters, encoding: Encoding) -> Opening:
    """Where the wanted part of a source lies. Raises BadMedia where there is none."""
    part = opening(source, facts, filters.start, filters.end, lead_seconds(facts, filters))
    if not CONTAINERS[encoding.container].late_starts:
        part = replace(part, origin=part.start)
    return part


class Film:
    """A file that is being written. `pipeline` makes its pictures of `picture_packets`."""

    def __init__(
        self,
        pipeline: Pipeline,
        picture: Picture,
        sounds: Mapping[int, Track],
        packets: "Iterator[Packet[Any]]",
        part: Opening,
    ) -> None:
        self.pipeline = pipeline
        self.picture = picture
        # Seconds of the source that are 0 in the file.
        self.origin = part.origin
        self._sounds = sounds
        self._packets = packets
        self._end = part.end
        self._heard = part.start - 1

    def picture_packets(self) -> "Iterator[Packet[VideoStream]]":
        """The source's packets of picture; those of sound are put into the file on the way."""
        for packet in self._packets:
            if packet.stream_index in self._sounds:
                self._sounds[packet.stream_index].take(packet)
            else:
                yield packet

    def hear(self, time: Fraction) -> None:
        """Put the sound into the file that the source has up to a time of it, in seconds."""
        while self._sounds and self._heard < time:
            packet = next(self._packets, None)
            if packet is None:
                return
            if packet.stream_index in self._sounds:
                self._sounds[packet.stream_index].take(packet)
            if packet.dts is not None:
                self._heard = max(self._heard, packet.dts * packet.time_base)

    def finish(self) -> None:
        """Put into the file what is still under way."""
        self.picture.finish()
        self._hear_out(self._end)
        for sound in self._sounds.values():
            sound.finish(self.picture.end)

    def _hear_out(self, end: Fraction | None) -> None:
        """Put all sound into the file up to its end: files store it later than its picture."""
        going_on = set(self._sounds)
        while going_on and (packet := next(self._packets, None)) is not None:
            if packet.stream_index not in self._sounds:
                continue
            self._sounds[packet.stream_index].take(packet)
            if end is not None and (packet.pts is None or packet.pts * packet.time_base >= end):
                going_on.discard(packet.stream_index)


@contextmanager
def begun(
    source: Path, destination: Path, facts: VideoFacts, filters: Filters, encoding: Encoding
) -> Iterator[Film]:
    """Begin to write a video into `destination`; it is whole when the context ends.

    Sound is copied where the container takes its codec. Raises BadMedia.
    """
    container = CONTAINERS[encoding.container]
    part = part_of(source, facts, filters, encoding)
    with open_video(source) as reader, create(destination, container, encoding.codec) as writer:
        stream = video_stream(reader)
        part.enter(reader)
        pipeline = Pipeline(stream, facts, filters, part)
        picture = Picture(writer, encoding, pipeline.footage)
        kept = Range(part.origin, part.end, cut=filters.start > 0)
        sounds = sound_tracks(reader, writer, container, kept, encoding.sound)
        volume = colour_volume_of_index(encoding, pipeline.footage)
        if volume:
            reserve(writer, volume)
        _tag(picture.stream, stream, container, facts.average_rate, filters.start)
        carry_chapters(reader, writer, kept)
        packets = packets_of(reader, stream, *(reader.streams[index] for index in sounds))
        yield Film(pipeline, picture, sounds, packets, part)
    if volume:
        place(destination, volume)


def _tag(
    made: VideoStream, source: VideoStream, container: Container, rate: Fraction, start: Fraction
) -> None:
    """Give the new picture what the old one's stream is told to be."""
    carry_tags(source, made, container)
    timecode = source_timecode(source)
    if container.timecode and timecode and made.codec_context.framerate:
        moved = moved_timecode(timecode, rate, start, made.codec_context.framerate)
        made.metadata.update({"timecode": moved} if moved else {})
