"""Animations, read again by Pillow, ImageMagick and gifsicle."""

import re
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageSequence

from services.media.engine.failure import BadMedia
from services.media.engine.images.framing import frame_size, frames
from services.media.engine.images.gif import MAX_PIXELS, NO_LOOP, animate, animation_size
from tests.media.images.pictures import on_white, psnr, quarters
from tests.media.material import COLLECTION, SIDEWAYS
from tests.media.oracles import gifsicle, magick

CLEAR = (0, 0, 0, 0)


def saved(folder: Path, images: Sequence[Image.Image]) -> list[Path]:
    paths = [folder / f"{index}.png" for index in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        image.save(path)
    return paths


def animated(
    sources: Sequence[Path],
    folder: Path,
    *,
    width: int | None = None,
    height: int | None = None,
    loop: int = 0,
    hundredths: int = 10,
) -> Path:
    """An animation of pictures."""
    size = frame_size(sources, width, height)
    target = folder / "animation.gif"
    animate(
        frames(sources, size, crop=False),
        size,
        target,
        loop=loop,
        hundredths=hundredths,
        written=lambda count: None,
    )
    return target


def shown(path: Path) -> list[Image.Image]:
    """What is seen of each frame, in turn."""
    with Image.open(path) as image:
        return [frame.convert("RGBA") for frame in ImageSequence.Iterator(image)]


def moving(count: int) -> list[Image.Image]:
    """A disc that crosses a plain ground."""
    scene = []
    for index in range(count):
        image = Image.new("RGB", (120, 80), (20, 90, 60))
        ImageDraw.Draw(image).ellipse((index * 10, 30, index * 10 + 20, 50), fill=(250, 200, 10))
        scene.append(image)
    return scene


@pytest.mark.parametrize(
    ("loop", "told"), [(0, "loop forever"), (1, "loop count 1"), (7, "loop count 7")]
)
def test_loops(tmp_path: Path, loop: int, told: str) -> None:
    path = animated(saved(tmp_path, moving(3)), tmp_path, loop=loop)
    assert told in gifsicle(path)
    with Image.open(path) as image:
        assert image.info["loop"] == loop


def test_no_loop(tmp_path: Path) -> None:
    path = animated(saved(tmp_path, moving(3)), tmp_path, loop=NO_LOOP)
    assert "loop " not in gifsicle(path)
    with Image.open(path) as image:
        assert "loop" not in image.info


@pytest.mark.parametrize(("hundredths", "told"), [(1, "0.01s"), (10, "0.10s"), (65_535, "655.35s")])
def test_durations(tmp_path: Path, hundredths: int, told: str) -> None:
    path = animated(saved(tmp_path, moving(3)), tmp_path, hundredths=hundredths)
    assert re.findall(r"delay (\S+)", gifsicle(path)) == [told] * 3


def test_drawings_keep_their_colours(tmp_path: Path) -> None:
    scene = moving(6)
    path = animated(saved(tmp_path, scene), tmp_path)
    assert [frame.convert("RGB").tobytes() for frame in shown(path)] == [
        image.tobytes() for image in scene
    ]


def test_other_programs_see_the_same(tmp_path: Path) -> None:
    photos = [Image.open(SIDEWAYS).resize((120, 160)).rotate(turn) for turn in (0, 90, 180)]
    path = animated(saved(tmp_path, photos), tmp_path)
    magick(path, "-coalesce", tmp_path / "theirs-%d.png")
    for index, frame in enumerate(shown(path)):
        with Image.open(tmp_path / f"theirs-{index}.png") as theirs:
            assert psnr(frame, theirs) > 90


def test_only_what_changes_is_written(tmp_path: Path) -> None:
    scene = moving(8)
    path = animated(saved(tmp_path, scene), tmp_path)
    single = animated(saved(tmp_path, scene[:1]), tmp_path)
    size = single.stat().st_size
    path = animated(saved(tmp_path, scene), tmp_path)
    assert path.stat().st_size < size * 5
    assert all(int(width) < 60 for width in re.findall(r"image #[1-9] (\d+)x", gifsicle(path)))


def test_frame_that_comes_again_takes_its_time(tmp_path: Path) -> None:
    path = animated(saved(tmp_path, moving(1) * 3), tmp_path)
    assert gifsicle(path).count("delay 0.10s") == 3
    first, second, third = shown(path)
    assert first.tobytes() == second.tobytes() == third.tobytes()


def test_photos_look_well(tmp_path: Path) -> None:
    """From a distance, where dithering is not seen."""
    sources = [COLLECTION / f"image_photo/{name}" for name in ("kodim03.png", "noface_coffee.png")]
    if not sources[0].exists():
        pytest.skip("../shared/media is not there")
    path = animated(sources, tmp_path, width=384, height=256)
    frame, other = shown(path)
    for source, made in zip(sources, (frame, other), strict=True):
        with Image.open(source) as image:
            whole = next(frames([source], (384, 256), crop=False))
            assert image.size != whole.size
        blur = ImageFilter.GaussianBlur(1)
        assert psnr(on_white(made).filter(blur), on_white(whole).filter(blur)) > 42


def test_transparent_frames_do_not_show_those_before(tmp_path: Path) -> None:
    left, right = Image.new("RGBA", (40, 20), CLEAR), Image.new("RGBA", (40, 20), CLEAR)
    left.paste((255, 0, 0, 255), (0, 0, 20, 20))
    right.paste((0, 0, 255, 255), (20, 0, 40, 20))
    opaque = Image.new("RGBA", (40, 20), (0, 128, 0, 255))
    scene = [left, right, opaque, left, opaque, opaque, right]
    path = animated(saved(tmp_path, scene), tmp_path)
    for frame, image in zip(shown(path), scene, strict=True):
        assert psnr(frame, image) > 60
        assert frame.getchannel("A").tobytes() == image.getchannel("A").tobytes()


def test_black_is_not_taken_for_clear(tmp_path: Path) -> None:
    noise = np.random.default_rng(7).integers(0, 256, (64, 64, 3), np.uint8)
    noise[:, :32] = 0
    image = Image.fromarray(noise).convert("RGBA")
    image.paste(CLEAR, (60, 60, 64, 64))
    (frame,) = shown(animated(saved(tmp_path, [image]), tmp_path))
    assert frame.getchannel("A").tobytes() == image.getchannel("A").tobytes()


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [(None, None, (80, 40)), (40, None, (40, 20)), (None, 80, (160, 80)), (50, 50, (50, 50))],
)
def test_sizes(
    tmp_path: Path, width: int | None, height: int | None, expected: tuple[int, int]
) -> None:
    """What is left open is as the first picture is; others fit in, in the middle."""
    sources = saved(tmp_path, [quarters(80, 40), quarters(30, 30), quarters(10, 200)])
    made = shown(animated(sources, tmp_path, width=width, height=height))
    assert {frame.size for frame in made} == {expected}
    boxes = [frame.getchannel("A").getbbox() for frame in made]
    for box, shape in zip(boxes, (2, 1, 1 / 20), strict=True):
        assert box is not None
        across, down = box[2] - box[0], box[3] - box[1]
        assert across == pytest.approx(down * shape, abs=1)
        assert abs(box[0] + box[2] - expected[0]) <= 1
        assert abs(box[1] + box[3] - expected[1]) <= 1
        assert across == expected[0] or down == expected[1]


def test_pictures_lie_upright(tmp_path: Path) -> None:
    (frame,) = shown(animated([SIDEWAYS], tmp_path, width=96))
    assert frame.size == (96, 54)


def test_one_frame_is_held_at_a_time(tmp_path: Path) -> None:
    def many(count: int) -> Iterator[Image.Image]:
        for index in range(count):
            yield Image.new("RGB", (400, 300), (index % 256, 0, 0))

    peaks = []
    for count in (10, 60):
        tracemalloc.start()
        animate(
            many(count),
            (400, 300),
            tmp_path / "long.gif",
            loop=0,
            hundredths=1,
            written=lambda count: None,
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5
    assert len(shown(tmp_path / "long.gif")) == 60


def test_which_picture_is_bad_is_told(tmp_path: Path) -> None:
    sources = saved(tmp_path, moving(3))
    sources[1].write_bytes(sources[1].read_bytes()[:60])
    with pytest.raises(BadMedia, match=r"^Image 2 of 3 cannot be used: the picture is damaged"):
        animated(sources, tmp_path)
    sources[0].write_text("words")
    with pytest.raises(BadMedia, match=r"^Image 1 of 3 cannot be used: the file is a text"):
        animated(sources, tmp_path)


@pytest.mark.parametrize(("size", "count"), [((20_000, 20_000), 1), ((4096, 4096), 500)])
def test_more_than_sense_is_refused(size: tuple[int, int], count: int) -> None:
    with pytest.raises(BadMedia, match=r"larger than what can be made|more than can be made"):
        animation_size(size, count)
    assert animation_size((100, 100), 500) == (100, 100)
    assert MAX_PIXELS > 500 * 640 * 480
