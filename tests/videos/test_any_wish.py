"""Whatever is wished for, it is decided whole or refused with reasons."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.errors import Invalid, Violation
from services.videos.model.codecs import CODECS_OF, DNXHD, PLAIN, PRORES
from services.videos.model.rates import MXF
from services.videos.model.size import Size
from services.videos.model.targets import Target, decide
from services.videos.model.vocabulary import CHOICES
from services.videos.model.wishes import Source, Wish

RESOLUTION = {"width", "height", "resolution_tag", "aspect_ratio_tag"}
BITS = (8, 10, 12, 14, 16)
WORDS = {choice.wish: st.sampled_from(choice.available) for choice in CHOICES if choice.available}
NUMBERS = {
    "bits": st.sampled_from((*BITS, 9)),
    "mbps": st.floats(0.009, 4001),
    "width": st.integers(0, 8000),
    "height": st.integers(0, 5000),
    "fps": st.one_of(st.floats(), st.sampled_from((24.0, 25.0, 29.97, 50.0, 60.0))),
    "start": st.integers(-1, 6000),
    "end": st.integers(-1, 6000),
}
FIELDS: dict[str, st.SearchStrategy[Any]] = {**WORDS, **NUMBERS}
sources = st.builds(
    Source,
    file_name=st.just("film.mov"),
    container=st.sampled_from(("mov", "mp4", "mxf", "mts", "avi")),
    codec=st.sampled_from(("h264", "prores", "dnxhd", "hevc", "mpeg2", "ffv1", "vp9", "")),
    width=st.integers(1, 8192),
    height=st.integers(1, 8192),
    display_aspect_ratio=st.none() | st.floats(0.1, 10),
    pixel_format=st.sampled_from(("yuv420p", "gray", "rgb24")),
    yuv=st.sampled_from(("4:1:0", "4:1:1", "4:2:0", "4:2:2", "4:4:0", "4:4:4", None)),
    bits=st.integers(1, 16),
    bitrate=st.floats(0, 1e10),
    frame_rate=st.fractions(0, 240, max_denominator=1001),
    duration=st.integers(1, 10_000),
    interlaced=st.booleans(),
    field_order=st.sampled_from(("top_first", "bottom_first")),
)


def wish_of(given: dict[str, Any]) -> Wish:
    """A wish with some of its fields."""
    return Wish(**given, resizes=bool(given.keys() & RESOLUTION))


@given(
    wish=st.sets(st.sampled_from(sorted(FIELDS)), max_size=4)
    .flatmap(lambda names: st.fixed_dictionaries({name: FIELDS[name] for name in names}))
    .map(wish_of),
    source=sources,
)
@settings(max_examples=500, deadline=None, derandomize=True, database=None)
def test_every_target_can_be_made(wish: Wish, source: Source) -> None:
    decided = decision(wish, source)
    if isinstance(decided, Target):
        check(decided, source)
    else:
        assert decided
        assert all(each.field and each.description for each in decided)


def decision(wish: Wish, source: Source) -> Target | Sequence[Violation]:
    """The target, or everything that is wrong."""
    try:
        return decide(wish, source)
    except Invalid as refusal:
        return refusal.violations


def check(target: Target, source: Source) -> None:
    """What is promised of every target."""
    encoding = {**PLAIN, **PRORES, **DNXHD}[target.profile or target.codec]
    assert target.codec in CODECS_OF[target.container]
    assert target.bits in encoding.depths[target.yuv]
    if encoding.frames:
        assert (target.width, target.height) in encoding.frames
    size = Size(target.width, target.height)
    assert encoding.least.width <= size.width <= encoding.most.width
    assert encoding.least.height <= size.height <= encoding.most.height
    assert target.width % 2 == target.height % 2 == 0
    assert target.bitrate is None or target.bitrate > 0
    assert encoding.interlaces or not target.target_field_order
    assert bool(target.frame_rate) == bool(target.frame_rate_converter)
    if target.deinterlacer:
        assert target.source_field_order
    if source.interlaced and not target.target_field_order:
        assert target.deinterlacer
    rates = encoding.rates or (MXF if target.container == "mxf" else ())
    if rates and target.frame_rate:
        woven = target.target_field_order and (target.deinterlacer or not source.interlaced)
        assert Fraction(target.frame_rate) / (2 if woven else 1) in rates
