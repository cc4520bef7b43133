"""`video.reverse`: makes a video that goes backwards, picture and sound."""

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
from vitascope.tasks.v2.specs_pb2 import VideoReverseResult, VideoReverseSpec

if TYPE_CHECKING:
    # The engine brings FFmpeg, which whoever lists operations does not need.
    from services.media.engine.probe import VideoFacts

_STEPS = {"probe": 3, "film": 96, "result": 1}
# Of the sound where nothing is said of it: hard to tell from the source's.
_SOUND_BITRATE = 192_000


def _sources(spec: VideoReverseSpec) -> list[Source]:
    return [Source("video", url=spec.url)]


def _run(job: Job[VideoReverseSpec]) -> Result:
    from services.media.engine.conversion import filters_for, size_seen
    from services.media.engine.previews.look import look_of
    from services.media.engine.probe import probe
    from services.media.engine.reversal import reverse

    spec, source, steps = job.spec, job.sources["video"].path, Steps(_STEPS, job.progress)
    facts = probe(source, steps.progress("probe"))
    look = look_of(source, facts)
    size = size_of(spec, size_seen(look))
    job.partial(VideoReverseResult(duration=float(facts.duration)))
    sound = _sound(spec, source)
    kind = kind_for(sound)
    output = job.scratch / f"reversed.{kind.suffix}"
    reverse(
        source,
        output,
        facts,
        filters_for(look, size, crop=spec.crop),
        encoding_of(spec, sound, _bitrate(spec, facts)),
        steps.progress("film"),
    )
    made = probe(output, steps.progress("result"))
    message = VideoReverseResult(duration=float(made.duration))
    return Result(message, (Output("output", output, kind.content_type, output.name),))


def _bitrate(spec: VideoReverseSpec, facts: "VideoFacts") -> int:
    """Bits per second of the picture: the source's where the spec does not say."""
    if spec.HasField("video_bitrate"):
        return 1000 * spec.video_bitrate
    return max(1000, round(8 * facts.stream_size / facts.duration))


def _sound(spec: VideoReverseSpec, source: Path) -> Sound:
    """What version 1 says of the sound; with version 2 it stays as it was, but for its codec."""
    from services.media.engine.sound import usual_rate

    if spec.HasField("audio_codec"):
        return Sound(spec.audio_codec, 1000 * spec.audio_bitrate, spec.sample_rate)
    return Sound("aac", _SOUND_BITRATE, usual_rate(source))


OPERATION = Operation(
    kind="video.reverse",
    spec_type=VideoReverseSpec,
    result_type=VideoReverseResult,
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
