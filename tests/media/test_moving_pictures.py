"""GIFs that move, as films: their facts, frames and times as Pillow reads them."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence

from services.media.engine.failure import BadMedia
from services.media.engine.kinds import PICTURE
from services.media.engine.probe import probe
from tests.media.converting import REVERSE_V2, V1, V2, ran
from tests.media.frames.running import run
from tests.media.material import COLLECTION, MOVING, collection, picture, unheard
from tests.media.measure import Samples, psnr
from tests.media.test_ingest import ingested
from vitascope.tasks.v2.specs_pb2 import VideoInfoSpec, VideoThumbSpec

# Milliseconds that each frame is shown.
LASTING = (100, 30, 250, 40, 100, 80)
SIZE = (96, 64)
STILL = "image/gif_photo_single_frame.gif"


@pytest.fixture(scope="module")
def gif(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gif") / "moves.gif"
    first, *others = (still(5 * index) for index in range(len(LASTING)))
    first.save(path, save_all=True, append_images=others, duration=list(LASTING), loop=0)
    return path


def still(index: int) -> Image.Image:
    """A picture that is another one for every index."""
    return Image.fromarray(picture(index, *SIZE).to_ndarray())


def by_pillow(path: Path) -> tuple[list[Samples], list[Fraction]]:
    """The frames of a GIF as grey, and how long each is shown in seconds."""
    with Image.open(path) as image:
        frames = [
            (np.asarray(frame.convert("RGB").convert("L"), np.float64), frame.info["duration"])
            for frame in ImageSequence.Iterator(image)
        ]
    return [grey for grey, _ in frames], [Fraction(lasts, 1000) for _, lasts in frames]


def of_film(path: Path) -> tuple[list[Samples], list[Fraction]]:
    """The frames of a film as grey, and when each begins to be shown, in seconds."""
    pictures, times = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            assert frame.pts is not None
            assert frame.time_base is not None
            image = Image.fromarray(frame.to_ndarray(format="rgb24"))
            pictures.append(np.asarray(image.convert("L"), np.float64))
            times.append(frame.pts * frame.time_base)
    return pictures, times


def beginnings(lasting: Sequence[Fraction]) -> list[Fraction]:
    return list(accumulate(lasting[:-1], initial=Fraction(0)))


def alike(found: Sequence[Samples], expected: Sequence[Samples]) -> bool:
    return all(psnr(one, other) > 30 for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize("name", collection(*MOVING))
def test_facts_of_the_collection(name: str) -> None:
    frames, lasting = by_pillow(COLLECTION / name)
    facts = probe(COLLECTION / name, unheard)
    assert (facts.frames, facts.duration) == (len(frames), sum(lasting))
    assert (facts.height, facts.width) == frames[0].shape


def test_facts(gif: Path, tmp_path: Path) -> None:
    found: Any = run(VideoInfoSpec(url="x"), gif, tmp_path).message
    assert (found.width, found.height, found.video_codec) == (*SIZE, "gif")
    assert found.content_type == "image/gif"
    assert found.duration == pytest.approx(sum(LASTING) / 1000)


@pytest.mark.parametrize("wishes", [V1, V2], ids=["v1", "v2"])
def test_it_becomes_a_film(gif: Path, tmp_path: Path, wishes: dict[str, object]) -> None:
    expected, lasting = by_pillow(gif)
    _, made = ran("video.convert", wishes | {"video_bitrate": 3000}, gif, tmp_path)
    pictures, times = of_film(made)
    assert alike(pictures, expected)
    assert times == pytest.approx(beginnings(lasting))


def test_it_runs_backwards(gif: Path, tmp_path: Path) -> None:
    expected, lasting = by_pillow(gif)
    _, made = ran("video.reverse", REVERSE_V2, gif, tmp_path)
    pictures, times = of_film(made)
    assert alike(pictures, expected[::-1])
    assert times == pytest.approx(beginnings(lasting[::-1]))


@pytest.mark.parametrize(("time", "index"), [(0, 0), (0.099, 0), (0.11, 1), (0.37, 2), (9, 5)])
def test_a_frame_of_it(gif: Path, tmp_path: Path, time: float, index: int) -> None:
    expected, _ = by_pillow(gif)
    made = run(VideoThumbSpec(url="x", time=time, format="png"), gif, tmp_path)
    with Image.open(made.outputs[0].path) as image:
        assert alike([np.asarray(image.convert("L"), np.float64)], [expected[index]])


@pytest.mark.parametrize("name", collection(STILL))
def test_one_that_does_not_move_is_a_picture(name: str) -> None:
    with pytest.raises(BadMedia, match=PICTURE):
        probe(COLLECTION / name, unheard)


def test_one_frame_is_a_picture(tmp_path: Path) -> None:
    still(0).save(tmp_path / "still.gif")
    with pytest.raises(BadMedia, match=PICTURE):
        probe(tmp_path / "still.gif", unheard)


def test_one_that_is_cut_off_ends_where_it_is_cut(gif: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.gif"
    short.write_bytes(gif.read_bytes()[: gif.stat().st_size * 2 // 3])
    assert 1 < probe(short, unheard).frames < len(LASTING)


def test_it_is_ingested(gif: Path, tmp_path: Path) -> None:
    result, _, _ = ingested(gif, tmp_path)
    found: Any = result.message
    assert (found.metadata.total_frames, found.web_video) == (len(LASTING), True)
    files = {output.name: output.path for output in result.outputs}
    pictures, _ = of_film(files["web_video"])
    expected, _ = by_pillow(gif)
    assert alike(pictures, expected)
