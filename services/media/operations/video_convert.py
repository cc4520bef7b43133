"""`video.convert`: makes a video of another size and other rates that players open."""

from pathlib import Path
from typing import TYPE_CHECKING

from services.media.engine.plan import Sound
from services.media.operations.contract import (
    GIB,
    HOUR,
    Job,
    Limits,
    Operation,
    Output,
    Result,
    Source,
)
from services.media.operations.steps import Steps
from services.media.operations.video_conversion import encoding_of, kind_for, size_of
from vitascope.tasks.v2.specs_pb2 import VideoConvertResult, VideoConvertSpec

if TYPE_CHECKING:
    # The engine brings FFmpeg, which whoever lists operations does not need.
    from services.media.engine.images.sizing import Size

_STEPS = {"probe": 3, "film": 96, "result": 1}


def _sources(spec: VideoConvertSpec) -> list[Source]:
    return [Source("video", url=spec.url)]


def _run(job: Job[VideoConvertSpec]) -> Result:
    from services.media.engine.conversion import filters_for, size_seen
    from services.media.engine.previews.look import look_of
    from services.media.engine.probe import probe
    from services.media.engine.transcode import transcode

    spec, source, steps = job.spec, job.sources["video"].path, Steps(_STEPS, job.progress)
    facts = probe(source, steps.progress("probe"))
    look = look_of(source, facts)
    seen = size_seen(look)
    size = size_of(spec, seen)
    sound = _sound(spec)
    kind = kind_for(sound)
    known = _known(spec, kind.content_type, seen, size)
    job.partial(known)
    output = job.scratch / f"video.{kind.suffix}"
    transcode(
        source,
        output,
        facts,
        filters_for(look, size, crop=spec.crop),
        encoding_of(spec, sound, 1000 * spec.video_bitrate),
        steps.progress("film"),
    )
    _tell(known, output, steps)
    return Result(known, (Output("output", output, kind.content_type, output.name),))


def _sound(spec: VideoConvertSpec) -> Sound:
    return Sound(spec.audio_codec, 1000 * spec.audio_bitrate, spec.sample_rate)


def _known(
    spec: VideoConvertSpec, content_type: str, seen: "Size", size: "Size"
) -> VideoConvertResult:
    """What is known before the new file is there."""
    return VideoConvertResult(
        content_type=content_type,
        width=size[0],
        height=size[1],
        original_width=seen[0],
        original_height=seen[1],
        video_codec=spec.video_codec,
        # It is upright, and H.264 has no transparency.
        alpha=False,
        rotation=0.0,
    )


def _tell(known: VideoConvertResult, output: Path, steps: Steps) -> None:
    """Add what the new file says."""
    from services.media.engine.probe import probe
    from services.media.engine.reading import open_video

    facts = probe(output, steps.progress("result"))
    known.duration = float(facts.duration)
    known.frame_rate = float(facts.average_rate)
    with open_video(output) as reader:
        for stream in reader.streams.audio:
            known.audio_codec = stream.codec_context.codec.canonical_name


OPERATION = Operation(
    kind="video.convert",
    spec_type=VideoConvertSpec,
    result_type=VideoConvertResult,
    limits=Limits(
        memory_bytes=16 * GIB,
        cpu_seconds=96 * HOUR,
        output_bytes=1024 * GIB,
        open_files=64,
        wall_seconds=24 * HOUR,
    ),
    sources=_sources,
    run=_run,
)
