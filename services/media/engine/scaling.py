"""Brings frames to one size and pixel format, keeping fields apart and colours as they are."""

from fractions import Fraction

from av.codec.codec import find_best_pix_fmt_of_list
from av.filter.graph import Graph
from av.video.frame import VideoFrame

from services.media.engine.colour import Colour


class Scaler:
    """Scales frames bicubically; interlaced frames field by field.

    Sources may change size and format on the way: the way there is rebuilt then.
    """

    def __init__(self, width: int, height: int, pixel_format: str, colour: Colour) -> None:
        self._size = width, height
        self._pixel_format = pixel_format
        self._colour = colour
        self._graph: Graph | None = None
        self._fitted: object = None

    def scale(self, frame: VideoFrame) -> VideoFrame:
        """The frame in the wanted size and format, its time kept."""
        kind = (frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range)
        if self._graph is None or kind != self._fitted:
            self._graph, self._fitted = self._build(frame), kind
        self._graph.vpush(frame)
        return self._graph.vpull()

    def _build(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        rgb = frame.format.is_rgb
        full = self._colour.full_range
        source = graph.add(
            "buffer",
            video_size=f"{frame.width}x{frame.height}",
            pix_fmt=frame.format.name,
            time_base=str(frame.time_base or Fraction(1, 1000)),
            pixel_aspect="1/1",
            colorspace=str(0 if rgb else self._colour.matrix),
            range="pc" if full or rgb else "tv",
        )
        scale = graph.add(
            "scale",
            width=str(self._size[0]),
            height=str(self._size[1]),
            flags="bicubic+accurate_rnd+full_chroma_int",
            interl="-1",
            out_range="pc" if full else "tv",
            # RGB has no matrix of its own to keep.
            **({"out_color_matrix": _MATRIX_NAMES[self._colour.matrix]} if rgb else {}),
        )
        layout = graph.add("format", pix_fmts=self._pixel_format)
        sink = graph.add("buffersink")
        graph.link_nodes(source, scale, layout, sink).configure()
        return graph


_MATRIX_NAMES = {1: "bt709", 5: "bt470", 6: "smpte170m"}


def nearest_format(name: str, choices: tuple[str, ...]) -> str:
    """The one of `choices` that loses least of FFmpeg's pixel format `name`.

    The full-range twins (yuvj420p) count as their plain formats: range is a tag.
    """
    plain = name.replace("yuvj", "yuv")
    if plain.startswith("gray"):
        # Colours that are not there need no more than the least that holds them.
        plain = "yuv420p" if plain == "gray" else "yuv420p10le"
    if plain in choices:
        return plain
    best, _ = find_best_pix_fmt_of_list(choices, plain)
    if best is None:
        raise ValueError(f"no pixel format is like {name!r}")
    return best.name
