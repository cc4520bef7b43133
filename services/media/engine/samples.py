"""Brings sound to one format, rate and layout, and keeps it to its times."""

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.plane import AudioPlane
from av.error import BlockingIOError as NothingYet
from av.error import EOFError as NothingMore
from av.error import InvalidDataError
from av.filter.graph import Graph

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.packet import Packet


class TimedSound:
    """Decodes sound and gives it its times, in seconds from an origin."""

    def __init__(self, origin: Fraction) -> None:
        self._origin = origin
        # Up to when there was sound.
        self._heard = Fraction(0)

    def frames(self, packet: "Packet[AudioStream]") -> list[AudioFrame]:
        """What a packet holds; nothing where it is damaged."""
        try:
            frames = packet.decode()
        except InvalidDataError:
            return []
        for frame in frames:
            unit = frame.time_base or Fraction(1, frame.sample_rate)
            # Of several frames in a packet decoders time the first; bare ones none.
            start = self._heard if frame.pts is None else frame.pts * unit - self._origin
            self._heard = start + Fraction(frame.samples, frame.sample_rate)
            frame.time_base, frame.pts = unit, round(start / unit)
        return frames


class Resampler:
    """Converts frames; lost ones become silence, so that sound stays with its picture.

    Sources may change format on the way. With `from_zero`, what comes before the
    time 0 is cut off, and silence fills what is missing from there on. With `bounded`, channels
    that are mixed to floating point stay below full scale, as they do in whole numbers.
    """

    def __init__(
        self,
        sample_format: str,
        layout: AudioLayout,
        rate: int,
        *,
        from_zero: bool,
        bounded: bool = False,
    ) -> None:
        self._wanted = {
            "sample_fmts": sample_format,
            "channel_layouts": layout.name,
            "sample_rates": str(rate),
        }
        self._options = {"async": "1"} | ({"first_pts": "0"} if from_zero else {})
        if bounded:
            self._options["rematrix_maxval"] = "1"
        self._graph: Graph | None = None
        self._fitted: object = None

    def convert(self, frame: AudioFrame) -> list[AudioFrame]:
        """The frames that are ready; their times count in samples."""
        ready: list[AudioFrame] = []
        kind = (frame.format.name, frame.layout.name, frame.sample_rate, frame.time_base)
        if self._graph is None or kind != self._fitted:
            ready = self.flush()
            self._graph, self._fitted = self._build(frame), kind
            self._options.pop("first_pts", None)
        self._graph.push(frame)
        return ready + self._pulled(self._graph)

    def flush(self) -> list[AudioFrame]:
        """The frames that are still under way."""
        if self._graph is None:
            return []
        graph, self._graph = self._graph, None
        graph.push(None)
        return self._pulled(graph)

    def _build(self, frame: AudioFrame) -> Graph:
        graph = Graph()
        source = graph.add(
            "abuffer",
            sample_rate=str(frame.sample_rate),
            sample_fmt=frame.format.name,
            channel_layout=frame.layout.name,
            time_base=str(frame.time_base or Fraction(1, frame.sample_rate)),
        )
        resample = graph.add("aresample", **self._options)
        layout = graph.add("aformat", **self._wanted)
        graph.link_nodes(source, resample, layout, graph.add("abuffersink")).configure()
        return graph

    def _pulled(self, graph: Graph) -> list[AudioFrame]:
        frames: list[AudioFrame] = []
        while True:
            try:
                frame = graph.pull()
            except (NothingYet, NothingMore):
                return frames
            if isinstance(frame, AudioFrame):
                frames.append(frame)


def planes(frame: AudioFrame) -> Sequence[AudioPlane]:
    """The planes of a frame: one a channel, or one of all.

    Eight fill FFmpeg's list of them to its end, where PyAV takes what follows for more.
    """
    return frame.planes[: frame.layout.nb_channels if frame.format.is_planar else 1]


def samples_of(frame: AudioFrame, kind: "np.dtype[Any]") -> "list[npt.NDArray[Any]]":
    """The samples of a frame, which are of a kind, plane by plane."""
    across = 1 if frame.format.is_planar else frame.layout.nb_channels
    # A plane may be longer than what is in it.
    return [
        np.frombuffer(memoryview(plane), kind, frame.samples * across) for plane in planes(frame)
    ]


def first_samples(frame: AudioFrame, samples: int) -> AudioFrame:
    """The beginning of a frame."""
    short = AudioFrame(frame.format.name, frame.layout.name, samples)
    size = samples * frame.format.bytes
    size *= 1 if frame.format.is_planar else frame.layout.nb_channels
    for old, new in zip(planes(frame), planes(short), strict=True):
        new.update(bytes(memoryview(old)[:size]).ljust(new.buffer_size, b"\0"))
    short.sample_rate, short.pts = frame.sample_rate, frame.pts
    # What decoders still hold at the end of some files comes without.
    if frame.time_base is not None:
        short.time_base = frame.time_base
    return short


def silence(
    sample_format: str, layout: AudioLayout, rate: int, start: int, samples: int
) -> AudioFrame:
    """So many samples of nothing, from one on."""
    frame = AudioFrame(format=sample_format, layout=layout, samples=samples)
    for plane in planes(frame):
        plane.update(bytes(plane.buffer_size))
    frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), start
    return frame
