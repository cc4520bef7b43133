"""Builds the peer in Go from our contract, in a folder that is thrown away."""

import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from google.api import annotations_pb2

HERE = Path(__file__).parent
PROTOS = HERE.parents[1] / "protos"
SOURCES = ("vitascope/options/v1/options.proto", "vitascope/accounts/v1/accounts.proto")
PLUGINS = ("protoc-gen-go", "protoc-gen-go-grpc", "protoc-gen-grpc-gateway")


class CannotBuild(Exception):
    """The peer cannot be had here; the message says why."""


def build(folder: Path) -> Path:
    """Return the peer's program, built below `folder`. Raises CannotBuild.

    The Go module proxy is asked for what is not in Go's module cache yet.
    """
    go = shutil.which("go")
    if go is None:
        raise CannotBuild("there is no Go toolchain here (Debian: apt install golang)")
    source = folder / "peer_go"
    shutil.copytree(HERE / "peer_go", source)
    programs = folder / "bin"
    _run([go, "build", "-o", f"{programs}/", "tool"], source)
    _generate(source / "generated", programs)
    _run([go, "build", "-o", f"{programs}/peer", "."], source)
    return programs / "peer"


def _generate(target: Path, programs: Path) -> None:
    target.mkdir()
    includes = [
        PROTOS,
        Path(annotations_pb2.__file__).parents[2],
        Path(str(files("grpc_tools"))) / "_proto",
    ]
    # The contract names no Go packages: they are given here.
    packages = [f"M{name}=peer/generated/{Path(name).parent}" for name in SOURCES]
    options = ",".join(["paths=source_relative", *packages])
    command = [sys.executable, "-m", "grpc_tools.protoc", *(f"-I{path}" for path in includes)]
    for name in PLUGINS:
        kind = name.removeprefix("protoc-gen-")
        command.append(f"--plugin={name}={programs / name}")
        command += [f"--{kind}_out={target}", f"--{kind}_opt={options}"]
    _run([*command, *SOURCES], target)


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotBuild(f"{' '.join(command[:3])} failed:\n{done.stderr[-2000:]}")
