"""Every kind of both documents takes and gives what its document says."""

from dataclasses import replace
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.tasks.api.versions import V1, V2, Version
from services.tasks.kinds import Kind
from tests.tasks.reference.documents import Row, rows_of, table
from vitascope.options.v1 import options_pb2

DOCUMENTS = Path(__file__).parents[3] / "shared" / "spec"
VERSIONS = {"v1": V1, "v2": V2}
BOTH = pytest.mark.parametrize("version", ["v1", "v2"])
ONLY_IN_V1 = {"audio.tts", "image.face", "image.saliency", "image.smartcrop"}
_TYPES = {
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_INT32: "integer",
    FieldDescriptor.TYPE_INT64: "integer",
    FieldDescriptor.TYPE_DOUBLE: "float",
    FieldDescriptor.TYPE_BOOL: "boolean",
}
# The documents name the type in their own program.
_LISTS = {"MultiHttpFileField": "list of strings"}


def _type(field: FieldDescriptor) -> str:
    if field.is_repeated:
        is_text = field.type == FieldDescriptor.TYPE_STRING
        return "list of strings" if is_text else "object"
    return _TYPES[field.type]


def _default(field: FieldDescriptor, *, required: bool) -> str:
    if field.is_repeated:
        return "" if required else "[]"
    if not field.has_default_value:
        return ""
    value = field.default_value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parameters(kind: Kind) -> list[Row]:
    return [
        Row(
            kind.name,
            "parameter",
            name,
            _type(each.field),
            _default(each.field, required=each.rules.required),
            "|".join(each.rules.choices),
            "yes" if each.rules.required else "",
        )
        for name, each in kind.form.parameters.items()
    ]


def _results(name: str, result: Descriptor) -> list[Row]:
    return [
        Row(name, "file", field.name, "")
        if field.GetOptions().Extensions[options_pb2.output_file]
        else Row(name, "value", field.name, _type(field))
        for field in result.fields
    ]


def contract(version: Version) -> dict[str, list[Row]]:
    """Return the rows of each kind as the contract has them."""
    return {
        name: sorted(_parameters(kind) + _results(name, kind.result))
        for name, kind in version.kinds.items()
    }


def documented(version: str) -> dict[str, list[Row]]:
    """Return the rows of each kind as the committed table has them."""
    rows: dict[str, list[Row]] = {}
    for row in table(version):
        rows.setdefault(row.kind, []).append(row)
    return rows


@BOTH
def test_the_contract_is_what_the_documents_say(version: str) -> None:
    expected, found = documented(version), contract(VERSIONS[version])
    if version == "v2":
        # Its document does not name the profiles any more; we refuse those that are not there.
        found["video.create"] = [
            replace(row, choices="") if row.name == "profile" else row
            for row in found["video.create"]
        ]
    assert found.keys() - expected.keys() == (ONLY_IN_V1 if version == "v2" else set())
    assert {name: found[name] for name in expected} == expected


def test_kinds_that_only_the_older_document_has_are_the_same_in_both() -> None:
    older, newest = contract(V1), contract(V2)
    assert {name: newest[name] for name in ONLY_IN_V1} == {name: older[name] for name in ONLY_IN_V1}


@BOTH
@pytest.mark.skipif(not DOCUMENTS.exists(), reason="the documents are not beside the repository")
def test_the_table_is_what_the_document_says(version: str) -> None:
    text = (DOCUMENTS / f"tasks-api-{version}.txt").read_text()
    said = [(*_row(row)[:6],) for row in rows_of(text)]
    kept = [(*_row(row)[:6],) for row in table(version)]
    assert len(said) > 180
    assert kept == said


def _row(row: Row) -> tuple[str, ...]:
    return (row.kind, row.group, row.name, _LISTS.get(row.type, row.type), row.default, row.choices)
