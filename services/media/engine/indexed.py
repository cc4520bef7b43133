"""Adds up a video's packets by the index of its file, hardly reading any of them."""

from collections.abc import Sequence
from itertools import islice, pairwise
from pathlib import Path

import av
from av.container import InputContainer
from av.index import IndexEntry
from av.video.stream import VideoStream

from services.media.engine.cutoff import ends_early
from services.media.engine.tally import Tally, check_readable, field_below

# Packets of these may only be there for others to refer to, which their own bytes tell.
_PARTLY_HIDDEN = {"vp8", "vp9"}
# By how many packets the order of decoding differs from that of showing at most.
_REORDERING = 32


def indexed(path: Path, container: InputContainer, stream: VideoStream) -> Tally | None:
    """What all packets add up to; None where the file has to be read to tell.

    The index of a MOV or MP4 knows all packets, but not when they are shown: only the first ones
    and those from the last key frame on are read. `container` was just opened, and is as new when
    there is no answer. Raises BadMedia when packets are encrypted.
    """
    if not _can_be_told(path, container, stream):
        return None
    entries = list(stream.index_entries)
    keys = (each for each in reversed(entries) if each.is_keyframe and not each.is_discard)
    key, size = next(keys, None), path.stat().st_size
    if key is None or any(each.pos + each.size > size for each in entries):
        return None
    tally = _read(container, stream, key, entries[-1])
    if tally is None:
        container.seek(entries[0].timestamp, stream=stream)
        return None
    _add(tally, entries)
    return tally


def _can_be_told(path: Path, container: InputContainer, stream: VideoStream) -> bool:
    return (
        "mov" in container.format.name
        and 0 < stream.frames == len(stream.index_entries)
        and stream.codec_context.codec.canonical_name not in _PARTLY_HIDDEN
        and not field_below(stream)
        and not ends_early(path)
    )


def _read(
    container: InputContainer, stream: VideoStream, key: IndexEntry, last: IndexEntry
) -> Tally | None:
    """When packets begin and end to be shown; None where they are not what the index says."""
    tally = Tally()
    codec = stream.codec_context.codec.canonical_name
    decoded = None
    try:
        for packet in islice(container.demux(stream), _REORDERING):
            if packet.size:
                check_readable(packet)
                tally.add(packet, codec)
        container.seek(key.timestamp, stream=stream)
        for packet in container.demux(stream):
            if packet.size:
                tally.add(packet, codec)
                decoded = packet
    except av.error.FFmpegError:
        return None
    if decoded is None or decoded.dts != last.timestamp:
        return None
    tally.durations = 0 if decoded.is_discard else decoded.duration or 0
    return tally


def _add(tally: Tally, entries: Sequence[IndexEntry]) -> None:
    """Count all that the index knows."""
    tally.packets, tally.bytes = len(entries), sum(each.size for each in entries)
    tally.shown = sum(not each.is_discard for each in entries)
    for entry, following in pairwise(entries):
        if not entry.is_discard:
            duration = following.timestamp - entry.timestamp
            tally.durations += duration
            tally.longest = max(tally.longest, duration)
