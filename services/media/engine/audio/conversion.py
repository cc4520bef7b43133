"""Makes a file of sound in another codec, or of the same untouched."""

import shutil
from contextlib import closing
from fractions import Fraction
from pathlib import Path

from av.container import OutputContainer

from services.media.engine.audio.coded import add_cover, coded, create
from services.media.engine.audio.facts import Progress, SoundFacts
from services.media.engine.audio.kinds import KINDS, layout_for, rate_for
from services.media.engine.audio.reading import has_film, open_sound, sound_stream
from services.media.engine.audio.tags import Cover, cover_of, tags_of
from services.media.engine.audio.timeline import blocks
from services.media.engine.reading import packets_of
from services.media.engine.samples import Resampler

# libsndfile has no way to put a picture into Ogg.
_WITH_COVER = {"mp3", "aac"}


def encode(source: Path, target: Path, facts: SoundFacts, codec: str, progress: Progress) -> None:
    """Make a file in a codec (mp3, aac, vorbis) of a file's sound; `progress` takes 0 to 100.

    Times are kept, more channels than the codec has are mixed, and tags go along.
    """
    layout, rate = layout_for(KINDS[codec], facts.channels), rate_for(facts.rate)
    # Floating point goes beyond what is loudest, where channels are added up.
    resampler = Resampler("fltp", layout, rate, from_zero=True, bounded=True)
    with open_sound(source) as tagged:
        tags = tags_of(tagged, sound_stream(tagged))
        cover = cover_of(tagged) if codec in _WITH_COVER else None
        with closing(coded(target, codec, rate, layout, tags, cover)) as made:
            for time, frame in blocks(source, facts, progress, 0, float(facts.duration)):
                frame.time_base = Fraction(1, frame.sample_rate)
                frame.pts = round(time * frame.sample_rate)
                for resampled in resampler.convert(frame):
                    made.write(resampled)
            for resampled in resampler.flush():
                made.write(resampled)


def carry(source: Path, target: Path, facts: SoundFacts, progress: Progress) -> None:
    """Make a file of the codec's own kind of sound that is in it, untouched.

    What is such a file already, and holds no film, is copied as it is.
    """
    with open_sound(source) as container:
        own = KINDS[facts.codec].content_type == facts.content_type
        if own and not has_film(container) and len(container.streams.audio) == 1:
            shutil.copyfile(source, target)
            return
        tags = tags_of(container, sound_stream(container))
        # A packet cannot outlive its file.
        cover = cover_of(container) if facts.codec in _WITH_COVER else None
        with create(target, facts.codec, tags) as made:
            _copy(source, made, facts, cover, progress)


def _copy(
    source: Path, made: OutputContainer, facts: SoundFacts, cover: Cover, progress: Progress
) -> None:
    with open_sound(source) as container:
        stream = sound_stream(container)
        copy = made.add_stream_from_template(stream)
        add_cover(made, cover)
        unit = stream.time_base or Fraction(1)
        begins, end = round((facts.begins or 0) / unit), round(facts.duration / unit)
        for packet in packets_of(container, stream):
            if packet.pts is None:
                continue
            # What decoders need to have heard before what is heard goes along, before time 0.
            packet.pts -= begins
            if packet.is_discard and packet.pts >= end:
                continue
            progress(min(100.0, max(0.0, 100.0 * packet.pts / end)))
            packet.dts = packet.pts
            packet.stream = copy
            made.mux_one(packet)
