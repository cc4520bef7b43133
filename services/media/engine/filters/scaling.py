"""Brings frames to one size and pixel format, keeping fields apart and colours as they are."""

from collections.abc import Iterator

from av.codec.codec import find_best_pix_fmt_of_list
from av.video.frame import VideoFrame

from services.media.engine.colour import Colour
from services.media.engine.filters.native import FIELD_MODES, Step, filtered

_MATRIX_NAMES = {1: "bt709", 5: "bt470", 6: "smpte170m"}


def scaled(
    frames: Iterator[VideoFrame],
    size: tuple[int, int],
    pixel_format: str,
    colour: Colour,
    field_order: str,
) -> Iterator[VideoFrame]:
    """Frames in a size (width, height) and a format, scaled bicubically.

    `field_order` is top_first or bottom_first, which keeps fields apart; empty:
    the pictures are progressive, whatever they say.
    """

    def steps(frame: VideoFrame) -> list[Step]:
        options = {
            "width": str(size[0]),
            "height": str(size[1]),
            "flags": "bicubic+accurate_rnd+full_chroma_int",
            "interl": "1" if field_order else "0",
            "out_range": "pc" if colour.full_range else "tv",
        }
        if frame.format.is_rgb:
            # It has no matrix of its own to keep.
            options["out_color_matrix"] = _MATRIX_NAMES[colour.matrix]
        mark: Step = ("setfield", {"mode": FIELD_MODES[field_order]})
        return [mark, ("scale", options), ("format", {"pix_fmts": pixel_format})]

    yield from filtered(frames, steps, colour.matrix)


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
