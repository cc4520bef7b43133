"""`audio.info`: reads what an audio file says about itself."""

from services.media.operations.contract import GIB, HOUR, Job, Limits, Operation, Result, Source
from vitascope.tasks.v2.specs_pb2 import AudioInfoResult, AudioInfoSpec


def _sources(spec: AudioInfoSpec) -> list[Source]:
    return [Source("audio", url=spec.url)]


def _run(job: Job[AudioInfoSpec]) -> Result:
    from services.media.engine.audio.facts import sound_facts

    facts = sound_facts(job.sources["audio"].path, job.progress)
    message = AudioInfoResult(
        duration=round(float(facts.duration), 2),
        content_type=facts.content_type,
        codec=facts.codec,
    )
    return Result(message)


OPERATION = Operation(
    kind="audio.info",
    spec_type=AudioInfoSpec,
    result_type=AudioInfoResult,
    limits=Limits(
        memory_bytes=2 * GIB,
        cpu_seconds=HOUR // 2,
        output_bytes=0,
        open_files=64,
        wall_seconds=HOUR,
    ),
    sources=_sources,
    run=_run,
)
