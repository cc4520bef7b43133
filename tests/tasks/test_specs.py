import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import FieldDescriptor, FileDescriptor
from google.protobuf.message_factory import GetMessageClass

from services.tasks.kinds import Kind, kinds_of
from services.tasks.results import read_result
from services.tasks.specs import read_spec
from vitascope.options.v1 import options_pb2
from vitascope.tasks.v1 import specs_pb2 as specs_v1
from vitascope.tasks.v2 import specs_pb2 as specs_v2

KINDS = kinds_of(specs_v2.DESCRIPTOR, newest=specs_v2.DESCRIPTOR)
THUMB = KINDS["image.thumb"]
INFO = KINDS["image.info"]
URL = "http://files.example/a.jpg"


def _thumb(**parameters: object) -> specs_v2.ImageThumbSpec:
    spec, problems = read_spec(THUMB, {"url": URL, **parameters})
    assert problems == {}
    return specs_v2.ImageThumbSpec.FromString(spec)


def _problems(**parameters: object) -> dict[str, list[str]]:
    return read_spec(THUMB, {"url": URL, **parameters})[1]


def test_every_documented_kind_is_there() -> None:
    v1 = kinds_of(specs_v1.DESCRIPTOR, newest=specs_v2.DESCRIPTOR)
    assert {"image.info", "image.thumb"} <= v1.keys() & KINDS.keys()
    assert v1["image.info"].stored_spec is specs_v2.ImageInfoSpec


def test_given_parameters_and_defaults() -> None:
    spec = _thumb(width=120.0, crop=True, rotation=90.0)
    assert (spec.url, spec.width, spec.crop, spec.rotation) == (URL, 120, True, 90)
    assert (spec.HasField("height"), spec.poster, spec.format) == (False, False, "jpeg")


def test_null_is_not_given() -> None:
    assert not _thumb(width=None).HasField("width")


@pytest.mark.parametrize("url", [None, ""])
def test_a_required_parameter(url: str | None) -> None:
    _, problems = read_spec(THUMB, {"url": url})
    assert problems == {"url": ["this field is required"]}


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("url", 5.0, "must be a string"),
        ("width", 1.5, "must be an integer"),
        ("width", "abc", "must be an integer"),
        ("width", "120", "must be an integer"),
        ("width", True, "must be an integer"),
        ("width", [1.0], "must be an integer"),
        ("width", 0.0, "must be at least 1"),
        ("width", 20000.0, "must be at most 16384"),
        ("width", 1e300, "must be between -2147483648 and 2147483647"),
        ("crop", 1.0, "must be true or false"),
        ("crop", "true", "must be true or false"),
        ("rotation", 45.0, "must be one of: 0, 90, 180, 270"),
        ("format", "webp", "must be one of: jpeg, gif, png"),
        ("colour", "red", "unknown parameter"),
    ],
)
def test_a_wrong_parameter(name: str, value: object, problem: str) -> None:
    assert _problems(**{name: value}) == {name: [problem]}


def test_all_problems_are_told_together() -> None:
    _, problems = read_spec(THUMB, {"width": "wide", "colour": "red"})
    assert problems.keys() == {"url", "width", "colour"}


@pytest.fixture(scope="module")
def versions() -> dict[str, Kind]:
    """A kind `film` of two made-up versions with different defaults."""
    pool = descriptor_pool.DescriptorPool()
    old = _add_version(pool, "old", bitrate="512")
    new = _add_version(pool, "new", bitrate="3000", extra=True)
    return {
        "old": kinds_of(old, newest=new)["film"],
        "new": kinds_of(new, newest=new)["film"],
    }


def _add_version(
    pool: descriptor_pool.DescriptorPool, package: str, *, bitrate: str, extra: bool = False
) -> FileDescriptor:
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package)
    file.syntax = "proto2"
    spec = file.message_type.add(name="FilmSpec")
    spec.options.Extensions[options_pb2.task].name = "film"
    spec.options.Extensions[options_pb2.task].result = f"{package}.FilmResult"
    _add_field(spec, "bitrate", FieldDescriptor.TYPE_INT64, default=bitrate)
    speed = _add_field(spec, "speed", FieldDescriptor.TYPE_DOUBLE)
    speed.options.Extensions[options_pb2.parameter].minimum = 0.5
    result = file.message_type.add(name="FilmResult")
    _add_field(result, "length", FieldDescriptor.TYPE_DOUBLE)
    title = _add_field(result, "title", FieldDescriptor.TYPE_STRING)
    title.options.Extensions[options_pb2.nullable] = True
    export = _add_field(result, "export", FieldDescriptor.TYPE_STRING)
    export.options.Extensions[options_pb2.output_file] = True
    if extra:
        _add_field(result, "frames", FieldDescriptor.TYPE_INT32)
    pool.Add(file)
    return pool.FindFileByName(file.name)


def _add_field(
    message: descriptor_pb2.DescriptorProto, name: str, type_: int, default: str = ""
) -> descriptor_pb2.FieldDescriptorProto:
    field = message.field.add(name=name, number=len(message.field) + 1)
    field.type = type_  # type: ignore[assignment]
    field.label = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL
    if default:
        field.default_value = default
    return field


def test_each_version_keeps_its_own_defaults(versions: dict[str, Kind]) -> None:
    stored = GetMessageClass(versions["new"].spec)
    by_old = stored.FromString(read_spec(versions["old"], {})[0])
    by_new = stored.FromString(read_spec(versions["new"], {})[0])
    assert (by_old.bitrate, by_new.bitrate) == (512, 3000)  # type: ignore[attr-defined]
    asked = stored.FromString(read_spec(versions["old"], {"bitrate": 7.0})[0])
    assert asked.bitrate == 7  # type: ignore[attr-defined]


def test_numbers(versions: dict[str, Kind]) -> None:
    assert read_spec(versions["new"], {"speed": 0.75})[1] == {}
    assert read_spec(versions["new"], {"speed": 0.25})[1] == {"speed": ["must be at least 0.5"]}
    assert read_spec(versions["new"], {"speed": True})[1] == {"speed": ["must be a number"]}


def test_a_result_as_each_version_documents_it(versions: dict[str, Kind]) -> None:
    written = GetMessageClass(versions["new"].result)(
        length=2.5, export="team/KEY/dragon-film-AAAAAA", frames=60
    ).SerializeToString()
    shown = {
        "length": 2.5,
        "title": None,
        "export": "https://media.example/storage/team/KEY/dragon-film-AAAAAA",
    }
    assert read_result(versions["old"], written, "https://media.example") == shown
    assert read_result(versions["new"], written, "https://media.example") == shown | {"frames": 60}


def test_nothing_optional_was_found_in_an_image() -> None:
    result = specs_v2.ImageInfoResult(content_type="image/png", alpha=False)
    shown = read_result(INFO, result.SerializeToString(), "https://media.example")
    assert shown["alpha"] is False
    assert shown["flash"] is None
    assert shown["exif_orientation"] is None
