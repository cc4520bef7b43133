"""`audio.waveform`: draws the loudness of an audio file."""

from services.media.operations.contract import (
    GIB,
    HOUR,
    Job,
    Limits,
    Operation,
    Result,
    Source,
)
from services.media.operations.pictures import picture_output
from services.media.operations.steps import Steps
from vitascope.tasks.v2.specs_pb2 import AudioWaveformResult, AudioWaveformSpec

_STEPS = {"facts": 15, "sound": 80, "picture": 5}


def _sources(spec: AudioWaveformSpec) -> list[Source]:
    return [Source("audio", url=spec.url)]


def _run(job: Job[AudioWaveformSpec]) -> Result:
    from services.media.engine.audio.facts import sound_facts
    from services.media.engine.audio.waveform import Look, draw, peaks

    spec, source, steps = job.spec, job.sources["audio"].path, Steps(_STEPS, job.progress)
    facts = sound_facts(source, steps.progress("facts"))
    output = picture_output(job.scratch, "waveform", spec.format)
    message = AudioWaveformResult(
        duration=round(float(facts.duration), 2),
        width=spec.width,
        height=spec.height,
        content_type=output.content_type,
    )
    job.partial(message)
    end = spec.end if spec.HasField("end") else None
    low, high = peaks(source, facts, spec.width, spec.start, end, steps.progress("sound"))
    look = Look(spec.width, spec.height, spec.vmargin, spec.fill, spec.background)
    draw(low, high, look, output.path, spec.format)
    steps.progress("picture")(100.0)
    return Result(message, (output,))


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
