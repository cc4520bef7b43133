"""The kinds of work: what they ask for, what they may use, what they answer."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pool import Default
from google.protobuf.json_format import MessageToDict
from PIL import Image

from services.media.operations import (
    REGISTRY,
    BadMedia,
    Job,
    Operation,
    Result,
    Source,
    SourceFile,
    operation,
)
from tests.media.material import FILM, SIDEWAYS
from tests.media.measure import shown
from vitascope.media.v1.operations_pb2 import VideoIngestSpec, VideoProcessSpec
from vitascope.options.v1 import options_pb2
from vitascope.tasks.v2 import specs_pb2
from vitascope.tasks.v2.specs_pb2 import ImageInfoSpec, ImageThumbSpec


def run(spec: Any, path: Path, scratch: Path) -> tuple[Result, Sequence[float]]:
    """Run the kind of a spec on one file; its result, and the progress it told."""
    kind = _kind_of(spec)
    told: list[float] = []
    (source,) = kind.sources(spec)
    files = {source.name: SourceFile(path, "as sent.bin", "application/octet-stream")}
    result = kind.run(Job(spec, files, scratch, told.append))
    assert isinstance(result, Result)
    return result, told


def _kind_of(spec: Any) -> Operation:
    (kind,) = (each for each in REGISTRY.values() if each.spec_type is type(spec))
    return kind


def test_every_task_of_the_contract_has_an_operation() -> None:
    named = {}
    for message in specs_pb2.DESCRIPTOR.message_types_by_name.values():
        task = message.GetOptions().Extensions[options_pb2.task]
        if task.name and not task.unavailable:
            named[task.name] = (message.full_name, task.result)
    known = {
        kind: (each.spec_type.DESCRIPTOR.full_name, each.result_type.DESCRIPTOR.full_name)
        for kind, each in REGISTRY.items()
        if each.spec_type.DESCRIPTOR.file == specs_pb2.DESCRIPTOR
    }
    assert known == named
    assert all(Default().FindMessageTypeByName(result) for _, result in named.values())


def test_unknown_kind_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        operation("video.cook")


def test_listing_kinds_loads_no_decoder() -> None:
    program = (
        "import sys, services.media.operations as o;"
        "assert o.REGISTRY; print({'av', 'PIL', 'numpy'} & set(sys.modules));"
        "o.preload(); print(sorted({'av', 'PIL'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    assert run.stdout.splitlines() == ["set()", "['PIL', 'av']"]


@pytest.mark.parametrize(
    ("spec", "source"),
    [
        (ImageInfoSpec(url="http://a/b"), Source("image", url="http://a/b")),
        (ImageThumbSpec(url="http://a/b"), Source("image", url="http://a/b")),
        (VideoIngestSpec(video_id="v"), Source("original", video_id="v")),
        (
            VideoProcessSpec(source_video_id="v", video_id="w"),
            Source("original", video_id="v"),
        ),
    ],
)
def test_sources(spec: Any, source: Source) -> None:
    assert _kind_of(spec).sources(spec) == [source]


def test_image_info(tmp_path: Path) -> None:
    result, _ = run(ImageInfoSpec(url="http://a/b"), SIDEWAYS, tmp_path)
    assert MessageToDict(result.message, preserving_proto_field_name=True) == {
        "content_type": "image/jpeg",
        "type": "image",
        "width": 540,
        "height": 960,
        "alpha": False,
        "exif_orientation": 6,
        "rotation": 270.0,
        "date_time": "2008:04:10 12:00:00",
        "flash": True,
        "focal_length": 35.0,
        "iso_speed": 200.0,
        "exposure_time": 0.008,
    }
    assert result.outputs == ()


def test_image_info_leaves_out_what_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "plain.png"
    Image.new("RGB", (4, 2)).save(path)
    result, _ = run(ImageInfoSpec(url="http://a/b"), path, tmp_path)
    fields = {field.name for field, _ in result.message.ListFields()}
    assert fields == {"content_type", "type", "width", "height", "alpha"}


@pytest.mark.parametrize(
    ("name", "suffix"), [("jpeg", "jpg"), ("gif", "gif"), ("png", "png"), (None, "jpg")]
)
def test_image_thumb(tmp_path: Path, name: str | None, suffix: str) -> None:
    spec = ImageThumbSpec(url="http://a/b", width=96, format=name, crop=None)

    result, _ = run(spec, SIDEWAYS, tmp_path)

    assert MessageToDict(result.message, preserving_proto_field_name=True) == {
        "width": 96,
        "height": 54,
        "original_width": 540,
        "original_height": 960,
    }
    (output,) = result.outputs
    assert (output.name, output.file_name) == ("output", f"thumb.{suffix}")
    assert output.content_type == f"image/{name or 'jpeg'}"
    assert output.path.parent == tmp_path
    with Image.open(output.path) as image:
        assert image.size == (96, 54)


def test_light_video_ingest(tmp_path: Path) -> None:
    result, told = run(VideoIngestSpec(video_id="v", light=True), FILM, tmp_path)
    assert MessageToDict(result.message, preserving_proto_field_name=True) == {
        "metadata": {
            "container_name": "mov,mp4,m4a,3gp,3g2,mj2",
            "long_container_name": "QuickTime / MOV",
            "codec_name": "h264",
            "long_codec_name": "H.264 / AVC / MPEG-4 AVC / MPEG-4 part 10",
            "pixel_format": {
                "name": "yuv420p",
                "chroma_subsampling": {"yuv": "4:2:0", "bits": 8},
            },
            "frame_width": 640,
            "frame_height": 360,
            "scanning": {"metadata": {"scanning_type": "progressive"}},
            "average_framerate": 24.0,
            "duration_in_millis": "6000",
            "total_frames": "144",
            "size": str(FILM.stat().st_size),
            "video_stream_size": "763335",
            "primary_bit_depth": 8,
        }
    }
    assert result.outputs == ()
    assert told[-1] == 100


@pytest.mark.parametrize(
    ("container", "content_type"), [("mp4", "video/mp4"), ("mov", "video/quicktime")]
)
def test_video_process(tmp_path: Path, container: str, content_type: str) -> None:
    spec = VideoProcessSpec(
        source_video_id="v",
        video_id="w",
        container=container,
        codec="h264",
        width=320,
        height=180,
        bitrate=500_000,
        pixel_format="yuv420p",
        file_name=f"film.{container}",
    )

    result, told = run(spec, FILM, tmp_path)

    (output,) = result.outputs
    assert (output.name, output.file_name) == ("output", f"film.{container}")
    assert output.content_type == content_type
    assert output.path.parent == tmp_path
    assert len(shown(output.path).times) == 144
    metadata = MessageToDict(result.message)["metadata"]
    assert (metadata["frameWidth"], metadata["frameHeight"]) == (320, 180)
    assert metadata["size"] == str(output.path.stat().st_size)
    assert told == sorted(told)


@pytest.mark.parametrize(
    "spec",
    [
        ImageInfoSpec(url="http://a/b"),
        ImageThumbSpec(url="http://a/b"),
        VideoIngestSpec(video_id="v"),
        VideoProcessSpec(
            container="mp4", codec="h264", width=32, height=32, pixel_format="yuv420p"
        ),
    ],
)
def test_text_is_bad_media_for_every_kind(tmp_path: Path, spec: Any) -> None:
    path = tmp_path / "notes"
    path.write_text("just some words")
    with pytest.raises(BadMedia, match=r"^The file is a text, not a (picture|video)\.$"):
        run(spec, path, tmp_path)
