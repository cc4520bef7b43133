"""The OpenAPI document of the suite's own contract."""

from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate

import vitascope
from gateway.openapi import document
from gateway.routes import files_of, routes_of
from gateway.schemas import task_kinds, task_name_of


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    files = files_of(vitascope)
    return document(files, routes_of(files), "http://vitascope.test")


def test_it_is_valid(spec: dict[str, Any]) -> None:
    validate(spec)
    assert spec["openapi"].startswith("3.1")
    assert spec["servers"] == [{"url": "http://vitascope.test"}]


def test_every_operation_says_what_it_does(spec: dict[str, Any]) -> None:
    operations = [each for path in spec["paths"].values() for each in path.values()]
    assert len({each["operationId"] for each in operations}) == len(operations) > 25
    assert all(each["summary"] for each in operations)
    create = spec["paths"]["/v2/create"]["post"]
    assert "queued" in create["description"]
    assert create["security"] == [{"secret": []}, {"apiKey": []}]
    assert spec["paths"]["/v2/status"]["get"]["security"] == []


def test_every_field_says_what_it_is(spec: dict[str, Any]) -> None:
    for name, schema in spec["components"]["schemas"].items():
        for key, field in schema.get("properties", {}).items():
            assert "description" in field or "const" in field, f"{name}.{key}"


def test_every_task_kind_is_a_branch_of_its_version_s_definition(spec: dict[str, Any]) -> None:
    schemas = spec["components"]["schemas"]
    for package, kinds in task_kinds(files_of(vitascope)).items():
        definition = schemas[f"{package.removeprefix('vitascope.')}.TaskDefinition.in"]
        assert set(definition["discriminator"]["mapping"]) == set(map(task_name_of, kinds))
        assert len(definition["oneOf"]) == len(kinds)


def test_a_task_kind_shows_its_parameters(spec: dict[str, Any]) -> None:
    thumb = spec["components"]["schemas"]["tasks.v2.ImageThumbSpec"]
    assert thumb["required"] == ["task_name", "url"]
    assert thumb["properties"]["task_name"] == {"const": "image.thumb"}
    assert thumb["properties"]["rotation"]["enum"] == [0, 90, 180, 270]
    assert thumb["properties"]["format"]["default"] == "jpeg"
    assert thumb["properties"]["width"]["maximum"] == 16384
    assert "task_store" in thumb["properties"]


def test_parameters_bodies_and_files(spec: dict[str, Any]) -> None:
    paths = spec["paths"]
    projects = paths["/videos/v1/projects"]["get"]["parameters"]
    assert [(each["name"], each["in"]) for each in projects] == [
        ("page", "query"),
        ("page-size", "query"),
    ]
    upload = paths["/media/v1/upload/{video_id}"]["post"]
    assert list(upload["requestBody"]["content"]) == ["multipart/form-data"]
    assert "415" in upload["responses"]
    download = paths["/storage/{path}"]["get"]
    assert {"200", "206", "304"} <= download["responses"].keys()
    named = {(each["name"], each["in"]) for each in download["parameters"]}
    assert {("path", "path"), ("range", "header")} <= named
    project = paths["/videos/v1/project"]["put"]["requestBody"]["content"]["application/json"]
    assert project["schema"] == {"$ref": "#/components/schemas/videos.v1.CreateProjectRequest"}


async def test_it_is_served(client: httpx.AsyncClient) -> None:
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    validate(answer.json())
    assert "/lab/files/{path}" in answer.json()["paths"]
    assert "/lab/echo:loudly" in answer.json()["paths"]
