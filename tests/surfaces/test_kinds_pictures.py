"""`image.info`, `image.thumb`, `image.gif` and `image.strip` as both versions offer them."""

from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

VERSIONS = pytest.mark.parametrize("version", ["v1", "v2"])
LARGE = "must be at most"
# The picture is stored as 540 x 960 pixels and seen as 960 x 540. What is asked for, and the size
# and format that it makes.
THUMBS: list[tuple[dict[str, Any], tuple[int, int], str]] = [
    ({}, (960, 540), "jpeg"),
    ({"width": 96}, (96, 54), "jpeg"),
    ({"height": 54, "format": "png"}, (96, 54), "png"),
    ({"width": 96, "height": 96, "format": "gif"}, (96, 54), "gif"),
    ({"width": 96, "height": 96, "crop": True}, (96, 96), "jpeg"),
    ({"width": 96, "height": 96, "crop": False, "rotation": 90}, (54, 96), "jpeg"),
    ({"width": 96, "rotation": 180, "poster": True}, (96, 54), "jpeg"),
    ({"height": 96, "rotation": 270, "poster": False}, (54, 96), "jpeg"),
]
# How the animation is asked for; its size, its loop (None is without one), milliseconds a frame.
GIFS: list[tuple[dict[str, Any], tuple[int, int], int | None, int]] = [
    ({}, (960, 540), 0, 100),
    ({"width": 96, "loop": 3}, (96, 54), 3, 100),
    ({"height": 54, "frame_duration": 0.254}, (96, 54), 0, 250),
    ({"width": 40, "height": 60, "loop": 65535, "frame_duration": 655.35}, (40, 60), 65535, 655350),
    ({"width": 96, "loop": -1}, (96, 54), None, 100),
]
STRIPS: list[tuple[dict[str, Any], tuple[int, int], str]] = [
    ({"width": 96}, (288, 54), "jpeg"),
    ({"height": 54, "wrap": 2, "format": "png"}, (192, 108), "png"),
    ({"width": 50, "height": 60, "crop": True, "wrap": 1}, (50, 180), "jpeg"),
    ({"width": 50, "height": 60, "crop": False, "wrap": 1000, "format": "jpeg"}, (150, 60), "jpeg"),
]
REFUSED: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("image.info", {"url": "", "width": 1}, {"url": "is required", "width": "unknown"}),
    ("image.thumb", {"width": 0, "height": 16385}, {"width": "at least 1", "height": LARGE}),
    ("image.thumb", {"width": "9", "crop": 1}, {"width": "an integer", "crop": "true or false"}),
    ("image.thumb", {"rotation": 45}, {"rotation": "0, 90, 180, 270"}),
    ("image.thumb", {"format": "webp", "poster": "no"}, {"format": "jpeg, gif, png", "poster": ""}),
    ("image.gif", {"images": []}, {"images": "is required"}),
    ("image.gif", {"images": ["http://a/", 5]}, {"images": "item 2 must be a string"}),
    ("image.gif", {"images": ["http://a/"] * 501}, {"images": "at most 500 items"}),
    ("image.gif", {"loop": -2, "width": 4097}, {"loop": "at least", "width": LARGE}),
    ("image.gif", {"loop": 65536, "height": 0}, {"loop": LARGE, "height": "at least 1"}),
    ("image.gif", {"frame_duration": 0.001}, {"frame_duration": "at least 0.01"}),
    ("image.gif", {"frame_duration": 655.36}, {"frame_duration": LARGE}),
]
REFUSED_STRIPS: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("image.strip", {"urls": "http://a/"}, {"urls": "must be a list"}),
    ("image.strip", {"wrap": 0, "width": 8193}, {"wrap": "at least 1", "width": LARGE}),
    ("image.strip", {"wrap": 1001, "height": 8193}, {"wrap": LARGE, "height": LARGE}),
    ("image.strip", {"format": "gif", "crop": None}, {"format": "jpeg, png"}),
]


def ended(anyone: httpx.Client, version: str, secret: str, tasks: list[Any]) -> list[Any]:
    """The statuses with which tasks of one request end."""
    body = {"secret": secret, "tasks": tasks, "block": True}
    answer = anyone.post(f"/{version}/create", json=body)
    assert answer.status_code == 200, answer.text
    statuses = answer.json()
    assert isinstance(statuses, list)
    return statuses


def made(status: Any) -> tuple[dict[str, Any], Image.Image]:
    """What a task tells besides its file, and the picture in it."""
    assert status["status"] == "success", status
    told = dict(status["result"])
    file = httpx.get(told.pop("output"))
    image = Image.open(BytesIO(file.content))
    assert file.headers["content-type"] == f"image/{str(image.format).lower()}"
    return told, image


@VERSIONS
def test_info(anyone: httpx.Client, secret: str, picture: str, version: str) -> None:
    (status,) = ended(anyone, version, secret, [{"task_name": "image.info", "url": picture}])
    orientation = {} if version == "v1" else {"exif_orientation": 6}
    assert status["result"] == {
        "content_type": "image/jpeg",
        "type": "image",
        "width": 540,
        "height": 960,
        "alpha": False,
        "rotation": 270,
        "date_time": "2008:04:10 12:00:00",
        "flash": True,
        "focal_length": 35,
        "iso_speed": 200,
        "exposure_time": 0.008,
        **orientation,
    }


@VERSIONS
def test_thumb(anyone: httpx.Client, secret: str, picture: str, version: str) -> None:
    tasks = [{"task_name": "image.thumb", "url": picture, **wanted} for wanted, _, _ in THUMBS]
    for (_, size, kind), status in zip(THUMBS, ended(anyone, version, secret, tasks), strict=True):
        told, image = made(status)
        original = {"original_width": 540, "original_height": 960}
        assert told == {"width": size[0], "height": size[1], **original}
        assert (image.size, image.format) == (size, kind.upper())


@VERSIONS
def test_gif(anyone: httpx.Client, secret: str, picture: str, version: str) -> None:
    cases = GIFS[:-1] if version == "v1" else GIFS
    images = [picture, picture.replace("bunny_sideways.jpg", "bunny_sideways.jpg?again")]
    tasks = [{"task_name": "image.gif", "images": images, **each[0]} for each in cases]
    for case, status in zip(cases, ended(anyone, version, secret, tasks), strict=True):
        told, image = made(status)
        assert told == {}
        assert (image.size, image.info.get("loop"), image.info["duration"]) == case[1:]
        assert getattr(image, "n_frames", None) == 2


def test_version_1_knows_no_loop_less_than_none(
    anyone: httpx.Client, secret: str, picture: str
) -> None:
    task = {"task_name": "image.gif", "images": [picture], "loop": -1}
    (status,) = ended(anyone, "v1", secret, [task])
    assert status["result"] == {"parameters": {"loop": ["must be at least 0"]}}


def test_strip(anyone: httpx.Client, secret: str, picture: str) -> None:
    tasks = [{"task_name": "image.strip", "urls": [picture] * 3, **each[0]} for each in STRIPS]
    for (_, size, kind), status in zip(STRIPS, ended(anyone, "v2", secret, tasks), strict=True):
        told, image = made(status)
        content_type = {"content_type": f"image/{kind}"}
        assert told == {"count": 3, "width": size[0], "height": size[1], **content_type}
        assert (image.size, image.format) == (size, kind.upper())


def test_version_1_has_no_strips(anyone: httpx.Client, secret: str, picture: str) -> None:
    (status,) = ended(anyone, "v1", secret, [{"task_name": "image.strip", "urls": [picture]}])
    assert status["result"] == {"parameters": {"task_name": ["unknown task"]}}


@VERSIONS
def test_what_is_refused(anyone: httpx.Client, secret: str, picture: str, version: str) -> None:
    cases = REFUSED if version == "v1" else REFUSED + REFUSED_STRIPS
    needed = {"image.gif": {"images": [picture]}, "image.strip": {"urls": [picture]}}
    tasks = [
        {"task_name": kind, **needed.get(kind, {"url": picture}), **wanted}
        for kind, wanted, _ in cases
    ]
    place = "result" if version == "v1" else "error"
    for case, status in zip(cases, ended(anyone, version, secret, tasks), strict=True):
        problems, expected = status[place]["parameters"], case[2]
        assert problems.keys() == expected.keys(), case
        assert all(expected[name] in words[0] for name, words in problems.items()), problems


@VERSIONS
def test_which_image_is_at_fault(
    anyone: httpx.Client, secret: str, picture: str, film: str, version: str
) -> None:
    bad = {
        film: "Image 2 of 3 cannot be used: the file is a video, not a picture.",
        f"{picture}.gone": "Source 2 of 3: The server 127.0.0.1 answered with status 404.",
    }
    tasks = [{"task_name": "image.gif", "images": [picture, each, picture]} for each in bad]
    place = "result" if version == "v1" else "error"
    found = [status[place] for status in ended(anyone, version, secret, tasks)]
    assert found == list(bad.values())
