"""Runs frames through FFmpeg's own filters."""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction

from av.filter.graph import Graph
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange

Step = tuple[str, Mapping[str, str]]
"""A filter of FFmpeg by its name, and its options."""

FIELD_MODES = {"top_first": "tff", "bottom_first": "bff", "": "prog"}
"""FFmpeg's words for which field comes first; empty: pictures are progressive."""


def filtered(
    frames: Iterator[VideoFrame], steps: Callable[[VideoFrame], list[Step]], matrix: int
) -> Iterator[VideoFrame]:
    """Frames that went through the filters which `steps` names for the first of them.

    Frames may change size, format or colours on the way: what is under way is
    finished then, and the filters begin anew. `matrix` is that of all YUV.
    """
    graph, fitted = None, None
    for frame in frames:
        kind = frame.width, frame.height, frame.format.name, frame.color_range, frame.time_base
        if graph is None or kind != fitted:
            yield from _rest(graph)
            graph, fitted = _graph(frame, steps(frame), matrix), kind
        graph.vpush(frame)
        yield from _ready(graph)
    yield from _rest(graph)


def _graph(frame: VideoFrame, steps: list[Step], matrix: int) -> Graph:
    graph = Graph()
    full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    source = graph.add(
        "buffer",
        video_size=f"{frame.width}x{frame.height}",
        pix_fmt=frame.format.name,
        time_base=str(frame.time_base or Fraction(1, 1000)),
        pixel_aspect="1/1",
        colorspace=str(0 if frame.format.is_rgb else matrix),
        range="pc" if full or frame.format.is_rgb else "tv",
    )
    middle = [graph.add(name, _arguments(options)) for name, options in steps]
    graph.link_nodes(source, *middle, graph.add("buffersink")).configure()
    return graph


def _ready(graph: Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            yield graph.vpull()
        except (BlockingIOError, EOFError):
            return


def _rest(graph: Graph | None) -> Iterator[VideoFrame]:
    if graph is not None:
        graph.vpush(None)
        yield from _ready(graph)


def _arguments(options: Mapping[str, str]) -> str:
    # Not as keywords of Python: some options have names that PyAV keeps for itself.
    return ":".join(f"{name}={value}" for name, value in options.items())
