"""`audio.convert`: makes an audio file in another codec."""

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
from vitascope.tasks.v2.specs_pb2 import AudioConvertResult, AudioConvertSpec

_STEPS = {"facts": 4, "sound": 94, "result": 2}


def _sources(spec: AudioConvertSpec) -> list[Source]:
    return [Source("audio", url=spec.url)]


def _run(job: Job[AudioConvertSpec]) -> Result:
    from services.media.engine.audio.conversion import carry, encode
    from services.media.engine.audio.facts import sound_facts
    from services.media.engine.audio.kinds import KINDS

    spec, source, steps = job.spec, job.sources["audio"].path, Steps(_STEPS, job.progress)
    kind = KINDS[spec.codec]
    facts = sound_facts(source, steps.progress("facts"))
    job.partial(
        AudioConvertResult(duration=round(float(facts.duration), 2), content_type=kind.content_type)
    )
    output = job.scratch / f"audio.{kind.suffix}"
    if facts.codec == spec.codec and not spec.force:
        carry(source, output, facts, steps.progress("sound"))
    else:
        encode(source, output, facts, spec.codec, steps.progress("sound"))
    made = sound_facts(output, steps.progress("result"))
    message = AudioConvertResult(
        duration=round(float(made.duration), 2), content_type=kind.content_type
    )
    return Result(message, (Output("output", output, kind.content_type, output.name),))


OPERATION = Operation(
    kind="audio.convert",
    spec_type=AudioConvertSpec,
    result_type=AudioConvertResult,
    limits=Limits(
        memory_bytes=2 * GIB,
        cpu_seconds=4 * HOUR,
        # A day of the loudest that may be carried.
        output_bytes=64 * GIB,
        open_files=64,
        wall_seconds=8 * HOUR,
    ),
    sources=_sources,
    run=_run,
)
