"""The examples of both Tasks API documents, and whether an answer has the shape of one.

Their hosts, credentials and picture are replaced by local ones. `hello`, which the documents use
for streams, is no kind of theirs: `image.info` stands for it, without the comma behind the last
task of that example, which is no JSON.
"""

import json
import re
from typing import Any

PICTURE, SECRET, API_KEY = "http://files.com/image.jpg", "123456", "654321"

BY_SECRET = """{
    "secret": "123456",
    "tasks": {
        "task_name": "image.info",
        "url": "http://files.com/image.jpg"
    }
}"""
BY_API_KEY = """{
    "api_key": "654321",
    "tasks": {
        "task_name": "image.info",
        "url": "http://files.com/image.jpg"
    }
}"""
TWO_TASKS = """{
    "tasks": [
        {"task_name": "image.info", "url": "http://files.com/image.jpg"},
        {"task_name": "image.thumb", "url": "http://files.com/image.jpg"}
    ]
}"""
ONE_TASK = '{"task_name": "image.info", "url": "http://files.com/image.jpg"}'
IN_A_STORE = """{
    "task_name": "image.info",
    "task_store": {
        "type": "volatile"
    },
    "url": "http://files.com/image.jpg"
}"""
IN_TWO_STORES = """{
    "tasks": [
        {
            "task_name": "image.thumb",
            "task_store": {
                "type": "volatile"
            },
            "url": "http://files.com/image.jpg"
        },
        {
            "task_name": "image.thumb",
            "task_store": {
                "type": "persistent"
            },
            "url": "http://files.com/image.jpg"
        }
    ]
}"""
WITHOUT_TASKS = """{
    "status": "error",
    "errors": [
        {
            "name": "tasks",
            "location": "body",
            "description": "tasks is missing"
        }
    ]
}"""
QUEUED = """[
    {
        "status": "queued",
        "events": {"queued": "2013-04-03T15:47:27.703674+00:00"},
        "key": "6GRQ3H5EHU7GXUTIOSS2GUDPGQ"
    },
    {
        "status": "queued",
        "events": {"queued": "2013-04-03T15:47:27.703717+00:00"},
        "key": "5OYA5JQVFIAHYOMLQG5QV3U33M"
    }
]"""
EXECUTING = """{
    "status": "executing",
    "key": "5OYA5JQVFIAHYOMLQG5QV3U33M",
    "progress": 90,
    "events": {
        "started": "2013-04-03T15:47:27.707526+00:00",
        "queued": "2013-04-03T15:47:27.703674+00:00"
    }
}"""
SUCCESS = """{
    "status": "success",
    "progress": null,
    "events": {
        "completed": "2013-10-31T14:54:52.689272+00:00",
        "queued": "2013-10-31T14:54:51.987459+00:00"
    },
    "key": "UM6EFJKQWMVON5N3CBKPV52NHE",
    "result": {
        "exposure_time": 0.00156,
        "date_time": "2009:11:02 01:21:55",
        "content_type": "image/jpeg",
        "flash": false,
        "height": 1320,
        "width": 1918,
        "iso_speed": 640,
        "focal_length": 2800,
        "alpha": false,
        "rotation": null,
        "type": "image"
    }
}"""
REFUSED = """{
    "status": "error",
    "progress": null,
    "events": {
        "completed": "2013-09-20T12:56:49.385937+00:00",
        "queued": "2013-09-20T12:56:49.369911+00:00"
    },
    "key": "QJZTXA3LNZKQ6X4RPGQ5EHRSMI",
    "error": {
        "parameters": {
            "url": [
                "this field is required"
            ]
        }
    }
}"""
# Which part of a result is known early differs from kind to kind; the document's is video.create's.
PARTIAL = """{
    "status": "executing",
    "result": {},
    "key": "LY5XZIPILG6WKKIAGQAB4RLHBY",
    "progress": 100,
    "events": {
        "started": "2013-11-16T06:02:55.669278+00:00",
        "queued": "2013-11-16T06:02:55.667394+00:00"
    }
}"""
STREAMED = """{
    "tasks": [
        {"task_name": "image.info", "url": "http://files.com/image.jpg"},
        {"task_name": "image.info", "url": "http://files.com/image.jpg"}
    ]
}"""
LISTED = """{
    "files": [
        {
            "name": "dragon-image.thumb-IeWutW",
            "size": 4293,
            "last_modified": "2013-10-28T20:22:21.000Z"
        }
    ],
    "directories": [
        "XDJC6DIS5UDSFBBOLXWMN27ORI/"
    ],
    "usage": 4293
}"""
DELETED = """{
    "deleted": [
        "BCSIT5KDDQQTC7GZ6TBJE7NFIU/dragon-image.thumb-9b0E9P",
        "XDJC6DIS5UDSFBBOLXWMN27ORI/dragon-image.thumb-IeWutW"
    ],
    "freed": 1257,
    "usage": 6578
}"""

# Beside the examples' keys: what the documents' lists of keys have and their examples leave out.
MAY_BE_THERE = frozenset({"progress", "started", "exif_orientation"})
# Null in one status, a value in the next: the text says of both that they may be null.
MAY_BE_NULL = frozenset({"progress", "rotation"})
FORMS = [
    re.compile(form)
    for form in (
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00",
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
        r"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d",
        r"[A-Z2-7]{26}",
        r"[A-Z2-7]{26}/",
        r"([A-Z2-7]{26}/)?dragon-[a-z.]+-[A-Za-z0-9]{6}",
    )
]


def local(example: str, picture: str, secret: str = SECRET, api_key: str = API_KEY) -> str:
    """Return a documented request with local values in place of the document's."""
    return example.replace(PICTURE, picture).replace(SECRET, secret).replace(API_KEY, api_key)


def see_alike(value: Any, example: str) -> None:
    """See that an answer is the documented one but for values that differ from task to task."""
    _see_alike(value, json.loads(example), "")


def _see_alike(value: Any, example: Any, where: str) -> None:
    name = where.rpartition(".")[2]
    match example:
        case dict():
            assert isinstance(value, dict), (where, value)
            assert example.keys() <= value.keys() <= example.keys() | MAY_BE_THERE, (where, value)
            for key, inner in example.items():
                _see_alike(value[key], inner, f"{where}.{key}")
        case list():
            assert isinstance(value, list), (where, value)
            assert len(value) == len(example), (where, value)
            for each, inner in zip(value, example, strict=True):
                _see_alike(each, inner, where)
        case _ if name in MAY_BE_NULL:
            assert value is None or type(value) in (int, float), (where, value)
        case bool():
            assert type(value) is bool, (where, value)
        case int() | float():
            assert type(value) in (int, float), (where, value)
        case _:
            _see_text(value, example, where)


def _see_text(value: Any, example: str, where: str) -> None:
    form = next((form for form in FORMS if form.fullmatch(example)), None)
    if form:
        assert form.fullmatch(value), (where, value)
    else:
        assert value == example, where
