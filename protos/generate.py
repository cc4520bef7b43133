"""Compile the contract: Python modules, type stubs and descriptor image, under `protos/python`.

Everything written here is committed and never edited; `make check` runs this again into a
scratch folder and compares.
"""

import argparse
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from google.api import annotations_pb2
from google.protobuf import descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2
from protovalidate._gen.buf.validate import validate_pb

PROTOS = Path(__file__).parent
IMAGE = "vitascope/descriptors.binpb"


def write_validate_descriptors(target: Path) -> None:
    """Write the schema of protovalidate's rules, which its wheel carries only as a descriptor."""
    bundle = descriptor_pb2.FileDescriptorSet()
    for module in (descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2):
        module.DESCRIPTOR.CopyToProto(bundle.file.add())
    bundle.file.add().ParseFromString(validate_pb.desc().proto.to_binary())
    target.write_bytes(bundle.SerializeToString(deterministic=True))


def protoc(validate: Path, *arguments: str) -> None:
    """Run protoc with every import path the contract needs."""
    includes = [
        PROTOS,
        Path(annotations_pb2.__file__).parents[2],
        Path(str(files("grpc_tools"))) / "_proto",
    ]
    command = [sys.executable, "-m", "grpc_tools.protoc", f"--descriptor_set_in={validate}"]
    command += [f"-I{path}" for path in includes]
    # Beside this interpreter, whose folder need not be on the path.
    programs = Path(sys.executable).parent
    for plugin in ("protoc-gen-mypy", "protoc-gen-mypy_grpc"):
        command.append(f"--plugin={plugin}={programs / plugin}")
    subprocess.run([*command, *arguments], check=True)


def generate(target: Path) -> None:
    """Write all generated files below `target`."""
    target.mkdir(parents=True, exist_ok=True)
    sources = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.glob("vitascope/**/*.proto"))
    with tempfile.TemporaryDirectory() as scratch:
        validate = Path(scratch) / "validate.binpb"
        write_validate_descriptors(validate)
        outputs = [f"--{kind}_out={target}" for kind in ("python", "mypy")]
        protoc(validate, *outputs, "buf/validate/validate.proto")
        services = [f"--grpc_python_out={target}", f"--mypy_grpc_out={target}"]
        protoc(validate, *outputs, *services, *sources)
        (target / IMAGE).parent.mkdir(exist_ok=True)
        image = [
            f"--descriptor_set_out={target / IMAGE}",
            "--include_imports",
            "--include_source_info",
        ]
        protoc(validate, *image, *sources)
    for empty in [path for path in target.rglob("*_grpc.py*") if not serves(path)]:
        empty.unlink()
    for folder in {path.parent for path in target.rglob("*_pb2.py")}:
        while folder != target:
            (folder / "__init__.py").touch()
            folder = folder.parent
    (target / "vitascope" / "py.typed").touch()


def serves(module: Path) -> bool:
    """Whether a generated gRPC module holds any service."""
    return "Stub" in module.read_text()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=PROTOS / "python", help="folder to write to")
    generate(parser.parse_args().out)
