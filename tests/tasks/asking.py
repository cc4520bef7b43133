"""Asking the Tasks API, in either version."""

from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value

from tests.tasks.service import BY_ACCOUNT, Service
from vitascope.tasks.v1 import tasks_pb2 as tasks_v1
from vitascope.tasks.v2 import tasks_pb2 as tasks_v2

URL = "http://files.example/a.jpg"
KINDS = ("image.info", "image.thumb")
VERSIONS = pytest.mark.parametrize("version", ["v1", "v2"])
MODULES: dict[str, Any] = {"v1": tasks_v1, "v2": tasks_v2}


def defined(version: str, task_name: str, **given: Any) -> Any:
    """Return a definition as the gateway makes it: what it does not know is a parameter."""
    known = ("task_store", "task_metas", "url_callback", "url_errback")
    fields = {name: given.pop(name) for name in known if name in given}
    json = {"task_name": task_name, "parameters": given, **fields}
    return json_format.ParseDict(json, MODULES[version].TaskDefinition())


async def create(service: Service, version: str, *definitions: Any, block: bool = False) -> Any:
    stub = getattr(service, version)
    request = MODULES[version].CreateRequest(tasks=definitions, block=block)
    return list((await stub.Create(request, metadata=BY_ACCOUNT)).tasks)


async def status_of(service: Service, version: str, *keys: str, **options: bool) -> Any:
    request = MODULES[version].GetStatusRequest(tasks=keys, **options)
    return list((await getattr(service, version).GetStatus(request)).tasks)


def plain(value: Value) -> Any:
    return json_format.MessageToDict(value)


def error_of(version: str, status: Any) -> Any:
    """Return what is wrong, from where this version has it."""
    return plain(status.result if version == "v1" else status.error)
