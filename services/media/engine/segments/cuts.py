"""Where a conversion is cut into stretches: a little after key frames of the source."""

import math
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from av.container import InputContainer

from services.media.engine.encoders.mpeg2 import group_length
from services.media.engine.film import lead_seconds, part_of
from services.media.engine.opening import RUN_UP, Opening
from services.media.engine.pipeline import Pipeline
from services.media.engine.plan import Encoding, Filters
from services.media.engine.probe import VideoFacts
from services.media.engine.reading import open_video, packets_of, video_stream
from services.media.engine.segments.work import OPEN, core_seconds, outlook, run_in, settling

MOST_STRETCHES = 500
# Core seconds: less than that is not worth being cut.
LEAST_WORK = 40.0
# Of a stretch: enough for its beginning not to count, and little enough to lose.
_LEAST_STRETCH, _MOST_STRETCH = 15.0, 60.0
# How many there are to be at least before they become longer.
_SPREAD = 8
# Seconds of film; and where the encoder begins before the stretch and ends after it, so many times
# as long as that, which must not count.
_LEAST_LENGTH, _LEAST_TIMES = 5, 20
# By what part of their length cuts may lie nearer to one another than planned.
_CLOSER = Fraction(1, 2)


@dataclass(frozen=True)
class Stretch:
    """The frames of a new video that begin at a time or later, and before another; in seconds."""

    first: Fraction
    # None: to the end.
    end: Fraction | None


def stretches(
    source: Path, facts: VideoFacts, filters: Filters, encoding: Encoding
) -> list[Stretch]:
    """The stretches that together are the whole of a new video; none where cutting does not pay.

    Raises BadMedia.
    """
    seconds = (filters.end or facts.duration) - filters.start
    count = _count(facts, filters, encoding, seconds)
    if count < 2:
        return []
    part = part_of(source, facts, filters, encoding)
    if part.first.pts is None:
        # Bare streams have no times to find a place by.
        return []
    with open_video(source) as reader:
        step = _step(reader, facts, filters, encoding, part)
        if step is None:
            return []
        ahead = RUN_UP + lead_seconds(facts, filters) + run_in(facts, filters, encoding)
        offset, gap, cuts = part.start - part.origin, seconds / count, list[Fraction]()
        for number in range(1, count):
            key = _key_frame(reader, part.start + number * gap)
            if key is None:
                continue
            cut = offset + math.ceil((key + ahead - part.start) / step) * step
            last = cuts[-1] if cuts else offset
            if cut - last >= gap * _CLOSER and offset + seconds - cut >= gap * _CLOSER:
                cuts.append(cut)
    if not cuts or part.resumed(source, part.origin + cuts[-1], ahead).entry is None:
        return []
    return [
        Stretch(first, end) for first, end in pairwise([offset, *cuts, None]) if first is not None
    ]


def _count(facts: VideoFacts, filters: Filters, encoding: Encoding, seconds: Fraction) -> int:
    work = core_seconds(facts, filters, encoding, seconds)
    if work < LEAST_WORK:
        return 0
    each = min(max(work / _SPREAD, _LEAST_STRETCH), _MOST_STRETCH)
    more = _LEAST_TIMES * (settling(encoding) + outlook(encoding))
    shortest = max(Fraction(_LEAST_LENGTH), more)
    return min(MOST_STRETCHES, int(work / each), int(seconds / shortest))


def _step(
    reader: InputContainer, facts: VideoFacts, filters: Filters, encoding: Encoding, part: Opening
) -> Fraction | None:
    """How far apart the places are at which a cut may lie, in seconds; None: nowhere."""
    footage = Pipeline(video_stream(reader), facts, filters, part).footage
    if footage.constant_rate:
        # Broadcast expects groups to be of one length.
        frames = group_length(footage) if encoding.codec in OPEN else 1
        return frames / footage.rate
    if filters.target_field_order and (filters.deinterlacer or not filters.source_field_order):
        # Which frames are the first of a pair, only counting them from the beginning tells.
        return None
    return footage.clock


def _key_frame(reader: InputContainer, time: Fraction) -> Fraction | None:
    """When the last key frame before a time of the source is shown, in seconds."""
    stream = video_stream(reader)
    unit = stream.time_base or Fraction(1)
    with suppress(av.error.FFmpegError):
        reader.seek(int(time / unit), stream=stream)
        for packet in packets_of(reader, stream):
            if packet.is_keyframe and packet.pts is not None:
                return packet.pts * unit
    return None
