"""A kind that is split as `video.convert` is, and what a taken-over decoder makes of that.

It believes its file: the first line goes into the spec of every part, the second into its result.
"""

from dataclasses import replace
from typing import Any

from google.protobuf import text_format

from services.media.operations import Job, Output, Part, Result, Split
from services.media.operations.video_convert import OPERATION as CONVERT
from services.media.operations.video_segment import OPERATION as SEGMENT
from vitascope.media.v1.operations_pb2 import Ratio, VideoSegmentResult, VideoSegmentSpec
from vitascope.tasks.v2.specs_pb2 import VideoConvertResult, VideoConvertSpec


def _halves(job: Job[VideoConvertSpec]) -> Result | Split:
    """Have both halves of a file made; then write it, and what was made of them behind it."""
    if not job.parts:
        specs = [VideoSegmentSpec(convert=job.spec, start=Ratio(numerator=each)) for each in (0, 1)]
        for spec in specs:
            text_format.Merge(_lines(job, "video")[0], spec)
        return Split(tuple(Part("test.half", spec) for spec in specs))
    path = job.scratch / "joined"
    names = ("video", "part-0-pictures", "part-1-pictures")
    path.write_bytes(b"|".join(job.sources[name].path.read_bytes() for name in names))
    output = Output("output", path, "video/mp4", "joined")
    return Result(VideoConvertResult(duration=1), (output,))


def _half(job: Job[VideoSegmentSpec]) -> Result:
    """Copy half of the file."""
    data = job.sources["original"].path.read_bytes()
    middle, path = len(data) // 2, job.scratch / "half"
    path.write_bytes(data[middle:] if job.spec.start.numerator else data[:middle])
    said = text_format.Parse(_lines(job, "original")[1], VideoSegmentResult())
    return Result(said, (Output("pictures", path, "application/octet-stream", "half"),))


def _lines(job: Job[Any], name: str) -> list[str]:
    return job.sources[name].path.read_text().split("\n")


KINDS = (
    replace(CONVERT, kind="test.halves", run=_halves, parts=frozenset({"test.half"})),
    replace(SEGMENT, kind="test.half", run=_half),
)
