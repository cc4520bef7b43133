"""The kinds of work in the real sandbox: nothing that they need is out of their reach."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from services.media.operations import REGISTRY, SourceFile
from services.media.sandbox import Ears, Failure, Order, Outcome, Sandbox, Success
from tests.media.material import COLLECTION, FILM, SIDEWAYS, make_video
from tests.media.measure import heard, shown
from vitascope.media.v1.operations_pb2 import (
    Ratio,
    VideoIngestResult,
    VideoIngestSpec,
    VideoProcessResult,
    VideoProcessSpec,
)
from vitascope.tasks.v2.specs_pb2 import (
    ImageInfoResult,
    ImageInfoSpec,
    ImageThumbResult,
    ImageThumbSpec,
)

PROCESS = VideoProcessSpec(
    container="mp4",
    codec="h264",
    width=320,
    height=180,
    bitrate=500_000,
    pixel_format="yuv420p",
    file_name="a.mp4",
)


async def jailed(sandbox: Sandbox, spec: Any, path: Path, folder: Path) -> Outcome:
    """Run the kind of a spec in a child, within its own limits."""
    (kind,) = (each for each in REGISTRY.values() if each.spec_type is type(spec))
    name = kind.sources(spec)[0].name
    source = folder / "source"
    await asyncio.to_thread(shutil.copyfile, path, source)
    sources = {name: SourceFile(source, path.name, None)}
    order = Order("account", kind.kind, spec.SerializeToString(), sources, kind.limits)
    made = folder / "made"
    await asyncio.to_thread(shutil.rmtree, made, ignore_errors=True)
    return await sandbox.run(
        order, made, Ears(lambda percent: None, lambda state: None, lambda known: None)
    )


async def done(sandbox: Sandbox, spec: Any, path: Path, folder: Path) -> Success:
    """Run a job that must succeed."""
    outcome = await jailed(sandbox, spec, path, folder)
    assert isinstance(outcome, Success), outcome
    return outcome


async def test_picture_kinds(sandbox: Sandbox, tmp_path: Path) -> None:
    info = await done(sandbox, ImageInfoSpec(url="http://a/b"), SIDEWAYS, tmp_path)
    assert ImageInfoResult.FromString(info.result).exif_orientation == 6
    for format_name in ("jpeg", "gif", "png"):
        spec = ImageThumbSpec(url="http://a/b", width=96, poster=True, format=format_name)
        thumb = await done(sandbox, spec, SIDEWAYS, tmp_path)
        assert ImageThumbResult.FromString(thumb.result).height == 54
        assert thumb.outputs[0].path.stat().st_size > 0


async def test_video_kinds(sandbox: Sandbox, tmp_path: Path) -> None:
    ingest = await done(sandbox, VideoIngestSpec(video_id="v"), FILM, tmp_path)
    assert VideoIngestResult.FromString(ingest.result).metadata.total_frames == 144

    process = await done(sandbox, PROCESS, FILM, tmp_path)

    assert VideoProcessResult.FromString(process.result).metadata.total_frames == 144
    path = process.outputs[0].path
    assert len(shown(path).times) == 144
    assert heard(path)[1].shape == heard(FILM)[1].shape


async def test_sound_is_encoded_in_jail(sandbox: Sandbox, tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    make_video(film, [40 * index for index in range(25)], sound="mp2")
    process = await done(sandbox, PROCESS, film, tmp_path)
    assert heard(process.outputs[0].path)[1].shape[1] >= 48_000


@pytest.mark.parametrize(
    ("container", "codec", "pixel_format", "profile"),
    [
        ("mts", "hevc", "yuv420p10le", ""),
        ("mov", "prores", "yuv422p10le", "standard"),
        ("mxf", "dnxhd", "yuv422p", "dnxhr_sq"),
        ("mxf", "mpeg2", "yuv422p", ""),
        ("mov", "ffv1", "yuv444p16le", ""),
    ],
)
async def test_every_encoder_runs_in_jail(
    sandbox: Sandbox, tmp_path: Path, container: str, codec: str, pixel_format: str, profile: str
) -> None:
    spec = VideoProcessSpec(
        container=container,
        codec=codec,
        width=320,
        height=180,
        bitrate=1_000_000,
        pixel_format=pixel_format,
        profile=profile,
        frame_rate_converter="fps",
        frame_rate=Ratio(numerator=24, denominator=1),
        end_position_milliseconds=500,
        file_name=f"a.{container}",
    )

    process = await done(sandbox, spec, FILM, tmp_path)

    assert len(shown(process.outputs[0].path).times) == 12
    assert process.outputs[0].content_type in ("video/mp2t", "video/quicktime", "application/mxf")


@pytest.mark.parametrize(
    "name",
    [
        "video/hdr10_av1_portrait_720x1280.mp4",
        "video/vvc_h266.mp4",
        "video/hevc_foreman_720p24.mp4",
        "video/bbb_1080p60_vp8_vorbis.webm",
        "video/hdr_vp9_profile2_10bit.webm",
        "video_pro/prores_422_lt.mov",
        "video_interlaced/sony_1080i50_h264_ac3.mts",
    ],
)
async def test_every_decoder_runs_in_jail(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    if not COLLECTION.exists():
        pytest.skip("../shared/media is not there")
    process = await done(sandbox, PROCESS, COLLECTION / name, tmp_path)
    assert shown(process.outputs[0].path).times


async def test_bad_media_is_told_and_not_tried_again(sandbox: Sandbox, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.write_text("just some words")
    outcome = await jailed(sandbox, VideoIngestSpec(video_id="v"), notes, tmp_path)
    assert outcome == Failure("The file is a text, not a video.")


async def test_filters_of_every_sort(sandbox: Sandbox, tmp_path: Path) -> None:
    """Kernels are compiled where nothing may be written but the scratch folder."""
    spec = VideoProcessSpec()
    spec.CopyFrom(PROCESS)
    spec.source_field_order, spec.deinterlacer = "top_first", "bwdif"
    spec.denoiser, spec.scaler, spec.frame_rate_converter = "hqdn3d", "scale", "mcinterpolate"
    spec.frame_rate.numerator, spec.frame_rate.denominator = 30, 1
    spec.start_position_milliseconds, spec.end_position_milliseconds = 1000, 2000

    process = await done(sandbox, spec, FILM, tmp_path)

    assert VideoProcessResult.FromString(process.result).metadata.total_frames == 30
