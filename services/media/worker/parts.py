"""What a run says of its parts, and of its result before the end, looked at with suspicion.

It may have been taken over by the file that it decodes, and a part is work that nobody else asked
for.
"""

from collections.abc import Callable, Sequence

from google.protobuf.message import DecodeError

from services.media import operations, sandbox
from services.media.operations import BadMedia, Operation, Source
from services.media.worker.outputs import fill_addresses
from vitascope.work.v1.work_pb2 import Part, Split


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
        if not allowed.issuperset(map(_place, kind.sources(spec))):
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


def _place(source: Source) -> tuple[str | None, str | None]:
    return source.url, source.video_id
