"""`audio.waveform`: draws the loudness of an audio file."""

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
from vitascope.tasks.v2.specs_pb2 import AudioWaveformResult, AudioWaveformSpec

_SUFFIXES = {"jpeg": "jpg", "png": "png"}
_STEPS = {"facts": 15, "sound": 80, "picture": 5}


def _sources(spec: AudioWaveformSpec) -> list[Source]:
    return [Source("audio", url=spec.url)]


def _run(job: Job[AudioWaveformSpec]) -> Result:
    from services.media.engine.audio.facts import sound_facts
    from services.media.engine.audio.waveform import Look, draw, peaks

    spec, source, steps = job.spec, job.sources["audio"].path, Steps(_STEPS, job.progress)
    facts = sound_facts(source, steps.progress("facts"))
    message = AudioWaveformResult(
        duration=round(float(facts.duration), 2),
        width=spec.width,
        height=spec.height,
        content_type=f"image/{spec.format}",
    )
    job.partial(message)
    end = spec.end if spec.HasField("end") else None
    low, high = peaks(source, facts, spec.width, spec.start, end, steps.progress("sound"))
    name = f"waveform.{_SUFFIXES[spec.format]}"
    look = Look(spec.width, spec.height, spec.vmargin, spec.fill, spec.background)
    draw(low, high, look, job.scratch / name, spec.format)
    steps.progress("picture")(100.0)
    return Result(message, (Output("output", job.scratch / name, f"image/{spec.format}", name),))


OPERATION = Operation(
    kind="audio.waveform",
    spec_type=AudioWaveformSpec,
    result_type=AudioWaveformResult,
    limits=Limits(
        memory_bytes=2 * GIB,
        cpu_seconds=HOUR,
        output_bytes=GIB,
        open_files=64,
        wall_seconds=2 * HOUR,
    ),
    sources=_sources,
    run=_run,
)
