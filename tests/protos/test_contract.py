"""The contract keeps its promises: style, compatibility, generated code, scopes and routes."""

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor import FileDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from services.media import operations
from vitascope.options.v1 import options_pb2
from vitascope.tasks.v1 import specs_pb2 as specs_v1
from vitascope.tasks.v2 import specs_pb2 as specs_v2

PROTOS = Path(__file__).parents[2] / "protos"
IMAGE = Path(str(files("vitascope"))) / "descriptors.binpb"
BUF = Path(sys.executable).with_name("buf")
OWN_SCOPES = {"internal", "admin"}


def methods() -> Iterator[MethodDescriptor]:
    image = FileDescriptorSet.FromString(IMAGE.read_bytes())
    for file in image.file:
        if file.name.startswith("vitascope/"):
            module = import_module(file.name.replace("/", ".").replace(".proto", "_pb2"))
            for service in module.DESCRIPTOR.services_by_name.values():
                yield from service.methods


def buf(*arguments: str) -> str:
    command = [str(BUF), *arguments, "--config", str(PROTOS / "buf.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_lint() -> None:
    assert buf("lint", str(IMAGE)) == ""


def test_nothing_released_was_broken() -> None:
    assert buf("breaking", str(IMAGE), "--against", str(PROTOS / "released.binpb")) == ""


def test_generated_code_is_what_the_protos_say(tmp_path: Path) -> None:
    generate = [sys.executable, str(PROTOS / "generate.py"), "--out", str(tmp_path)]
    subprocess.run(generate, check=True, capture_output=True)
    fresh = {path.relative_to(tmp_path): path.read_bytes() for path in contents(tmp_path)}
    committed = PROTOS / "python"
    kept = {path.relative_to(committed): path.read_bytes() for path in contents(committed)}
    assert fresh.keys() == kept.keys()
    assert [path for path in fresh if fresh[path] != kept[path]] == [], "run `make protos`"


def contents(folder: Path) -> Iterator[Path]:
    return (p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts)


@pytest.mark.parametrize("method", list(methods()), ids=lambda method: method.full_name)
def test_every_rpc_has_a_scope_and_public_ones_a_route(method: MethodDescriptor) -> None:
    scope = method.GetOptions().Extensions[options_pb2.scope]
    routed = method.GetOptions().HasExtension(annotations_pb2.http)
    assert scope, "say who may call it: option (vitascope.options.v1.scope)"
    assert routed == (scope not in OWN_SCOPES)


def task_kinds(specs: FileDescriptor) -> dict[str, options_pb2.Task]:
    messages = specs.message_types_by_name.values()
    tasks = [each.GetOptions().Extensions[options_pb2.task] for each in messages]
    return {task.name: task for task in tasks if task.name}


def test_the_kinds_that_can_be_created_are_those_with_an_operation() -> None:
    newest = specs_v2.DESCRIPTOR
    offered = {name for name, task in task_kinds(newest).items() if not task.unavailable}
    serving = {
        each.kind
        for each in operations.REGISTRY.values()
        if each.spec_type.DESCRIPTOR.file.name == newest.name
    }
    assert offered == serving


def test_the_newest_version_has_every_kind_of_the_older_one() -> None:
    assert task_kinds(specs_v2.DESCRIPTOR).keys() - task_kinds(specs_v1.DESCRIPTOR).keys() == {
        "image.strip"
    }
    assert not any(task.unavailable for task in task_kinds(specs_v1.DESCRIPTOR).values())
