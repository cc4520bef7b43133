"""What the document and its notes list inside each object; nothing else may be there."""

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

from tests.surfaces.studio import DATE

Shape: TypeAlias = "type | Between | re.Pattern[str] | frozenset[str] | dict[str, Shape] | Each"


@dataclass(frozen=True)
class Between:
    """A number from `low` to `high`."""

    low: float
    high: float


@dataclass(frozen=True)
class Each:
    """A list whose members all have one shape."""

    of: "Shape"


def check(value: Any, shape: Shape, where: str = "") -> None:
    """Check a JSON value; keys of a shape that end in `?` may be missing, null is never there."""
    match shape:
        case dict():
            optional = {key.rstrip("?") for key in shape if key.endswith("?")}
            known = {key.rstrip("?"): inner for key, inner in shape.items()}
            assert isinstance(value, dict), where
            assert known.keys() - optional <= value.keys() <= known.keys(), (where, value)
            for key, inner in value.items():
                check(inner, known[key], f"{where}.{key}")
        case Each(of):
            assert isinstance(value, list), where
            for inner in value:
                check(inner, of, f"{where}[]")
        case Between(low, high):
            assert type(value) in (int, float), (where, value)
            assert low <= value <= high, (where, value)
        case re.Pattern():
            assert shape.fullmatch(value), (where, value)
        case frozenset():
            assert value in shape, (where, value)
        case _:
            assert type(value) is shape, (where, value)


ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
STATUS = frozenset({"INITIAL", "IN_PROGRESS", "DONE", "ERROR"})
LABELS = frozenset({"untenable", "poor", "fair", "good", "excellent"})
PERCENT = Between(0, 100)
SCORE = Between(0, 5)
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/\S+")

UPLOAD: Shape = {
    "uploadState": {"updatedAt": DATE, "uploadStatus": STATUS},
    "hasFinishedUploading": bool,
    "fileName?": str,
    "fileSize?": int,
    "fileType?": str,
    "fileContainerName?": str,
    "fileTimeLastModified?": DATE,
}
INGESTION_STATE: Shape = {
    "updatedAt": DATE,
    "ingestionStatus": STATUS,
    "videoMetadataAvailable": bool,
    "videoMetadataCommitted": bool,
    "processingProgressPercent": PERCENT,
    "etaSeconds?": Between(0, 86_400),
    "errorMessage?": str,
    "thumbnailsAvailable": bool,
    "webVideoAvailable": bool,
}
PIXEL_FORMAT: Shape = {
    "name": re.compile(r"[a-z0-9]+"),
    "chromaSubsampling?": {"yuv": re.compile(r"4:\d:\d"), "bits": Between(8, 16)},
}
FINDING: Shape = {
    "scanningType": frozenset({"progressive", "interlaced", "unknown"}),
    "interlacedFieldOrder?": frozenset({"top_first", "bottom_first"}),
}
METADATA: Shape = {
    "containerName": str,
    "longContainerName": str,
    "codecName": str,
    "longCodecName": str,
    "pixelFormat": PIXEL_FORMAT,
    "frameWidth": int,
    "frameHeight": int,
    "displayAspectRatio?": Between(0.1, 10),
    "scanning": {"metadata": FINDING, "heuristics?": FINDING},
    "averageFramerate": float,
    "durationInMillis": int,
    "totalFrames": int,
    "size": int,
    "videoStreamSize": int,
    "primaryBitDepth?": int,
}
QUALITY: Shape = {
    "metrics": Each(
        {
            "name": frozenset({"noise", "details", "colors"}),
            "sampleMean": float,
            "subjectiveLabel": LABELS,
            "subjectiveScore": SCORE,
        }
    ),
    "overallSubjectiveScore": SCORE,
}
PROCESSING_STATE: Shape = {
    "updatedAt": DATE,
    "processingStatus": STATUS,
    "processingProgressPercent": PERCENT,
    "etaSeconds?": Between(0, 86_400),
    "errorMessage?": str,
}
NAMED: Shape = {"name": str, "properties": dict}
PARAMETERS: Shape = {
    "sourceVideo": {"startPositionMilliseconds?": int, "endPositionMilliseconds?": int},
    "targetVideo": {
        "container": NAMED,
        "codec": NAMED,
        "pixelFormat": PIXEL_FORMAT,
        "bitrate?": int,
        "frameWidth": int,
        "frameHeight": int,
        "videoFilters": Each(NAMED),
        "scanning": FINDING,
        "averageFramerate": float,
    },
}
VIDEO: Shape = {
    "id": ID,
    "name": str,
    "description": str,
    "projectId?": ID,
    "userId": ID,
    "teamId": ID,
    "parentId?": ID,
    "upload?": UPLOAD,
    "ingestion": {
        "ingestionState": INGESTION_STATE,
        "metadata?": METADATA,
        "qualityAssessment?": QUALITY,
    },
    "processing?": {"processingState": PROCESSING_STATE, "processingParameters": PARAMETERS},
    "attributes": dict,
    "dateCreated": DATE,
    "timeLastUpdated": DATE,
}
UPLOADED: Shape = {
    "projectId?": ID,
    "videoId": ID,
    "checkIngestProgressUrl": ADDRESS,
    "processVideoUrl": ADDRESS,
}
INGEST_PROGRESS: Shape = {"videoId": ID, "projectId?": ID, "ingestionState": INGESTION_STATE}
PROCESS_PROGRESS: Shape = {"videoId": ID, "projectId?": ID, "processingState": PROCESSING_STATE}
LINK: Shape = {"href": ADDRESS}
VIDEO_PAGE: Shape = {
    "pageSize": int,
    "page": int,
    "_links": {"self": LINK, "first": LINK, "last": LINK, "next?": LINK, "previous?": LINK},
    "_embedded": {
        "videos": Each(
            {
                "_links": {"self": LINK},
                "id": ID,
                "parentId?": ID,
                "projectId?": ID,
                "name": str,
                "filename?": str,
                "dateCreated": DATE,
                "timeLastUpdated": DATE,
            }
        ),
        "totalFound": int,
    },
}
