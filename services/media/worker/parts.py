"""What a run says of its parts, and of its result before the end, looked at with suspicion.

It may have been taken over by the file that it decodes, and a part is work that nobody else asked
for.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from google.protobuf.message import DecodeError, Message

from services.media import operations, sandbox
from services.media.operations import BadMedia, Operation, Source
from services.media.worker.outputs import fill_addresses
from vitascope.work.v1.work_pb2 import Part, Split

# Of the spec of a part whose source came from an address, and of its result.
_KEY, _SOURCE = "source_key", "source"


def checked_parts(whole: Operation, sources: Sequence[Source], asked: sandbox.Split) -> Split:
    """Return the parts into which a run wants its item split, for the ledger.

    Raises BadMedia when one is of a kind that the whole does not have, cannot be read, or wants
    another source than the whole reads.
    """
    allowed = {_place(source) for source in sources}
    split = Split()
    for part in asked.parts:
        if part.kind not in whole.parts:
            raise BadMedia("cannot be done in the parts that it was to be split into")
        kind = operations.operation(part.kind)
        try:
            spec = kind.spec_type.FromString(part.spec)
        except DecodeError as error:
            raise BadMedia("was split into parts that cannot be read") from error
        if getattr(spec, _KEY, "") or not allowed.issuperset(map(_place, kind.sources(spec))):
            raise BadMedia("was split into parts that read what the whole does not")
        split.parts.append(Part(kind=part.kind, spec=spec.SerializeToString(), weight=part.weight))
    return split


def partial_for(whole: Operation, tell: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """Return what takes partial results of an operation, and passes on those that are some."""

    def hear(said: bytes) -> None:
        try:
            known = whole.result_type.FromString(said)
        except DecodeError:
            return  # the end will tell
        fill_addresses(known, {})
        tell(known.SerializeToString())

    return hear


def kept_for_parts(split: Split, key: str) -> Split:
    """Return the split whose parts are told the key under which their source is kept."""
    for part in split.parts:
        spec = operations.operation(part.kind).spec_type.FromString(part.spec)
        setattr(spec, _KEY, key)
        part.spec = spec.SerializeToString()
    return split


def kept_source(spec: Message) -> dict[str, str]:
    """Return what a part's result is to say of its source, as an output of that name."""
    key: str = getattr(spec, _KEY, "")
    return {_SOURCE: key} if key else {}


def with_kept(wanted: Sequence[Source], made: Sequence[Source]) -> list[Source]:
    """Return what an item wants that was split: its source from where its parts had it."""
    kept = {source.part_key for source in made if _is_kept(source)}
    rest = [source for source in made if not _is_kept(source)]
    if len(kept) != 1:
        return [*wanted, *rest]
    (key,) = kept
    return [*(replace(source, part_key=key) for source in wanted), *rest]


def _is_kept(source: Source) -> bool:
    return source.name.endswith(f"-{_SOURCE}")


def _place(source: Source) -> tuple[str | None, str | None, str | None]:
    return source.url, source.video_id, source.part_key
