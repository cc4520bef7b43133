"""The kinds of pictures in the real sandbox, as specs say them."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from services.media.operations import REGISTRY, SourceFile
from services.media.sandbox import Ears, Failure, Order, Outcome, Sandbox, Success
from tests.media.material import COLLECTION, SIDEWAYS, collection
from vitascope.tasks.v2.specs_pb2 import (
    ImageGifSpec,
    ImageInfoResult,
    ImageInfoSpec,
    ImageStripResult,
    ImageStripSpec,
    ImageThumbResult,
    ImageThumbSpec,
)

# Beyond what Pillow itself decodes: libraries of their own, with threads and locks.
FORMATS = (
    "image/avif_10bit_422_fox.avif",
    "image/jp2_relax.jp2",
    "image/tiff_multipage_fax.tif",
    "image/webp_animated_loop3.webp",
    "image/cmyk_profile.jpg",
    "image_photo/bike_12mp.heic",
)


async def jailed(
    sandbox: Sandbox, spec: Any, paths: list[Path], folder: Path
) -> tuple[Outcome, list[float]]:
    """Run the kind of a spec in a child, within its own limits; and the progress it told."""
    (kind,) = (each for each in REGISTRY.values() if each.spec_type is type(spec))
    sources = {}
    for number, (source, path) in enumerate(zip(kind.sources(spec), paths, strict=True)):
        copy = folder / f"source-{number}"
        await asyncio.to_thread(shutil.copyfile, path, copy)
        sources[source.name] = SourceFile(copy, path.name, None)
    order = Order("account", kind.kind, spec.SerializeToString(), sources, kind.limits)
    told: list[float] = []
    made = folder / "made"
    await asyncio.to_thread(shutil.rmtree, made, ignore_errors=True)
    ears = Ears(told.append, lambda state: None, lambda known: None)
    return await sandbox.run(order, made, ears), told


async def done(
    sandbox: Sandbox, spec: Any, paths: list[Path], folder: Path
) -> tuple[Success, list[float]]:
    """Run a job that must succeed."""
    outcome, told = await jailed(sandbox, spec, paths, folder)
    assert isinstance(outcome, Success), outcome
    return outcome, told


async def test_gif(sandbox: Sandbox, tmp_path: Path) -> None:
    spec = ImageGifSpec(images=["http://a/b"] * 3, width=96, frame_duration=0.256, loop=-1)
    made, told = await done(sandbox, spec, [SIDEWAYS] * 3, tmp_path)
    assert told == sorted(told)
    assert told[-1] == 100
    (output,) = made.outputs
    assert (output.name, output.content_type, output.file_name) == (
        "output",
        "image/gif",
        "animation.gif",
    )
    with Image.open(output.path) as image:
        assert image.size == (96, 54)
        assert image.info["duration"] == 260
        assert "loop" not in image.info


async def test_gif_by_its_defaults(sandbox: Sandbox, tmp_path: Path) -> None:
    made, _ = await done(sandbox, ImageGifSpec(images=["http://a/b"]), [SIDEWAYS], tmp_path)
    with Image.open(made.outputs[0].path) as image:
        assert image.size == (960, 540)
        assert (image.info["duration"], image.info["loop"]) == (100, 0)


@pytest.mark.parametrize(
    ("file_format", "suffix", "content_type"),
    [(None, "jpg", "image/jpeg"), ("jpeg", "jpg", "image/jpeg"), ("png", "png", "image/png")],
)
async def test_strip(
    sandbox: Sandbox, tmp_path: Path, file_format: str | None, suffix: str, content_type: str
) -> None:
    urls = [f"http://a/{number}" for number in range(5)]
    spec = ImageStripSpec(urls=urls, width=60, height=40, wrap=2, format=file_format)
    made, told = await done(sandbox, spec, [SIDEWAYS] * 5, tmp_path)
    assert told == [20, 40, 60, 80, 100]
    result = ImageStripResult.FromString(made.result)
    assert result == ImageStripResult(count=5, width=120, height=120, content_type=content_type)
    (output,) = made.outputs
    assert (output.content_type, output.file_name) == (content_type, f"strip.{suffix}")
    with Image.open(output.path) as image:
        assert image.size == (120, 120)


@pytest.mark.parametrize(
    "spec",
    [
        ImageGifSpec(images=["http://a/b", "http://a/c"]),
        ImageStripSpec(urls=["http://a/b", "http://a/c"]),
    ],
)
async def test_which_picture_is_bad_is_told(sandbox: Sandbox, tmp_path: Path, spec: Any) -> None:
    notes = tmp_path / "notes"
    notes.write_text("just some words")
    outcome, _ = await jailed(sandbox, spec, [SIDEWAYS, notes], tmp_path)
    assert outcome == Failure("Image 2 of 2 cannot be used: the file is a text, not a picture.")


@pytest.mark.parametrize("name", collection(*FORMATS))
async def test_every_decoder_runs_in_jail(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    info, _ = await done(sandbox, ImageInfoSpec(url="http://a/b"), [COLLECTION / name], tmp_path)
    facts = ImageInfoResult.FromString(info.result)
    spec = ImageThumbSpec(url="http://a/b", width=100, poster=True)
    made, _ = await done(sandbox, spec, [COLLECTION / name], tmp_path)
    thumb = ImageThumbResult.FromString(made.result)
    assert thumb.width == 100
    assert (thumb.original_width, thumb.original_height) == (facts.width, facts.height)


@pytest.mark.parametrize("name", collection("hostile_made/svg", "hostile/heif", "hostile/bmp"))
async def test_hostile_pictures_do_no_harm(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    spec = ImageThumbSpec(url="http://a/b", width=100)
    outcome, _ = await jailed(sandbox, spec, [COLLECTION / name], tmp_path)
    if isinstance(outcome, Failure):
        assert outcome.message.endswith(".")
        assert not outcome.retryable
