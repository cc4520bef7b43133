"""What differs between the versions of the Tasks API; everything else is one code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from services.tasks.kinds import Kind, kinds_of
from services.tasks.stores import Store, stores_of
from vitascope.tasks.v1 import specs_pb2 as specs_v1
from vitascope.tasks.v1 import tasks_pb2 as tasks_v1
from vitascope.tasks.v2 import specs_pb2 as specs_v2
from vitascope.tasks.v2 import stores_pb2
from vitascope.tasks.v2 import tasks_pb2 as tasks_v2


@dataclass(frozen=True)
class Version:
    """A version of the Tasks API, `number` 1 or 2.

    `messages` is its generated module, `kinds` the tasks that can be created, `shown_kinds` those
    whose results can be read: a key says nothing about the version that made it. `error_field` is
    the key of a status that says what is wrong. `default_store` is where the files of tasks go that
    do not say where to.
    """

    number: int
    messages: Any
    kinds: Mapping[str, Kind]
    shown_kinds: Mapping[str, Kind]
    error_field: Literal["result", "error"]
    stores: Mapping[str, Store]
    default_store: str


_KINDS_V1 = kinds_of(specs_v1.DESCRIPTOR, newest=specs_v2.DESCRIPTOR)
_KINDS_V2 = kinds_of(specs_v2.DESCRIPTOR, newest=specs_v2.DESCRIPTOR)

_STORES = stores_of(stores_pb2.DESCRIPTOR)

V1 = Version(
    number=1,
    messages=tasks_v1,
    kinds=_KINDS_V1,
    shown_kinds={**_KINDS_V2, **_KINDS_V1},
    error_field="result",
    # Its documents know no stores, but files that live about a week. Who names one gets it.
    stores=_STORES,
    default_store="volatile",
)
V2 = Version(
    number=2,
    messages=tasks_v2,
    kinds=_KINDS_V2,
    shown_kinds=_KINDS_V2,
    error_field="error",
    stores=_STORES,
    default_store="persistent",
)

BY_NUMBER: Mapping[int, Version] = {version.number: version for version in (V1, V2)}
