"""How big a processed frame is, and sizes that cannot be."""

from dataclasses import replace
from typing import Any

import pytest

from services.videos.model.targets import decide
from services.videos.model.wishes import Source, Wish
from tests.videos.originals import SOURCE, violations


def resized(source: Source = SOURCE, **resolution: Any) -> tuple[int, int]:
    target = decide(Wish(resizes=True, **resolution), source)
    return target.width, target.height


@pytest.mark.parametrize(
    ("tag", "size"),
    [
        ("hd_1080p", (1890, 1080)),
        ("uhd_4k", (3780, 2160)),
        ("UHD_8K", (7560, 4320)),
        ("2x", (1120, 640)),
        ("3X", (1680, 960)),
        ("4x", (2240, 1280)),
        ("no_scaling", (560, 320)),
    ],
)
def test_tags_are_boxes_and_factors(tag: str, size: tuple[int, int]) -> None:
    assert resized(resolution_tag=tag) == size


@pytest.mark.parametrize(
    ("source", "box", "size"),
    [
        ((1920, 1080), "hd_1080p", (1920, 1080)),
        ((3840, 2160), "hd_1080p", (1920, 1080)),
        ((720, 576), "hd_1080p", (1350, 1080)),
        ((1920, 800), "hd_1080p", (1920, 800)),
        ((720, 1280), "hd_1080p", (608, 1080)),
        ((853, 480), "no_scaling", (854, 480)),
    ],
)
def test_the_aspect_ratio_is_kept_in_even_numbers(
    source: tuple[int, int], box: str, size: tuple[int, int]
) -> None:
    width, height = source
    assert resized(replace(SOURCE, width=width, height=height), resolution_tag=box) == size


@pytest.mark.parametrize(
    ("resolution", "size"),
    [
        ({"width": 1280, "height": 720}, (1280, 720)),
        ({"width": 641, "height": 361}, (642, 362)),
        ({"width": 1120}, (1120, 640)),
        ({"height": 160}, (280, 160)),
        ({"width": 1120, "aspect_ratio_tag": "storage"}, (1120, 640)),
        ({"height": 360, "aspect_ratio_tag": "16:9"}, (640, 360)),
        ({"width": 640, "aspect_ratio_tag": "4:3"}, (640, 480)),
        ({"height": 360, "aspect_ratio_tag": "Display"}, (720, 360)),
    ],
)
def test_sides_and_aspect_ratio_tags(resolution: dict[str, Any], size: tuple[int, int]) -> None:
    assert resized(replace(SOURCE, display_aspect_ratio=2.0), **resolution) == size


def test_the_display_aspect_ratio_falls_back_to_storage() -> None:
    assert resized(height=640, aspect_ratio_tag="display") == (1120, 640)


@pytest.mark.parametrize(
    ("resolution", "field"),
    [
        ({}, "resolution"),
        ({"aspect_ratio_tag": "16:9"}, "resolution"),
        ({"resolution_tag": "2x", "width": 640}, "resolution"),
        ({"resolution_tag": "2x", "aspect_ratio_tag": "4:3"}, "resolution"),
        ({"width": 1, "height": 1, "aspect_ratio_tag": "4:3"}, "resolution.aspectRatioTag"),
        ({"width": 15}, "resolution.width"),
        ({"width": 0}, "resolution.width"),
        ({"width": 7681}, "resolution.width"),
        ({"height": -2}, "resolution.height"),
        ({"height": 4321}, "resolution.height"),
        ({"width": 7680}, "resolution"),
        ({"width": 640, "aspect_ratio_tag": "5:4"}, "resolution.aspectRatioTag"),
        ({"resolution_tag": "hd_720p"}, "resolution.tag"),
    ],
)
def test_sizes_that_cannot_be(resolution: dict[str, Any], field: str) -> None:
    assert list(violations(Wish(resizes=True, **resolution))) == [field]


def test_a_factor_that_leaves_the_largest_frame() -> None:
    found = violations(
        Wish(resizes=True, resolution_tag="4x"), replace(SOURCE, width=1920, height=1088)
    )
    assert found == {
        "resolution": "would make 7680x4352 pixels; from 16x16 to 7680x4320 is possible"
    }
