"""The OpenAPI document of the suite's own contract."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

import vitascope
from gateway import openapi
from gateway.kinds import catalogue, task_name_of
from gateway.openapi import document
from gateway.parameters import MAX_PARAMETERS
from gateway.routes import files_of, routes_of


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    files = files_of(vitascope)
    return document(files, routes_of(files), "http://vitascope.test")


def test_it_is_valid(spec: dict[str, Any]) -> None:
    validate(spec)
    assert spec["openapi"].startswith("3.1")
    assert spec["servers"] == [{"url": "http://vitascope.test"}]


def test_every_operation_says_what_it_does(spec: dict[str, Any]) -> None:
    operations = [each for _, each in operations_of(spec)]
    assert len({each["operationId"] for each in operations}) == len(operations) > 25
    assert all(each["summary"] for each in operations)
    create = spec["paths"]["/v2/create"]["post"]
    assert "queued" in create["description"]
    assert create["security"] == [{"secret": []}, {"apiKey": []}]
    assert spec["paths"]["/v2/status"]["get"]["security"] == []


def test_what_a_header_gives_is_no_part_of_the_body(spec: dict[str, Any]) -> None:
    for version in ("v1", "v2"):
        create = spec["paths"][f"/{version}/create"]["post"]
        [parameter] = create["parameters"]
        assert (parameter["name"], parameter["in"]) == ("Idempotency-Key", "header")
        assert "repeat" in parameter["description"]
        assert parameter["schema"]["maxLength"] == 255
        body = create["requestBody"]["content"]["application/json"]["schema"]
        properties = spec["components"]["schemas"][body["$ref"].rpartition("/")[2]]["properties"]
        assert properties.keys() == {"tasks", "block", "secret", "api_key"}


def test_a_query_holds_fewer_values_than_a_body(spec: dict[str, Any]) -> None:
    for version in ("v1", "v2"):
        for path in ("status", "status_stream"):
            parameters = spec["paths"][f"/{version}/{path}"]["get"]["parameters"]
            [tasks] = [each for each in parameters if each["name"] == "tasks"]
            assert tasks["schema"]["maxItems"] == MAX_PARAMETERS
            name = "GetStatusRequest" if path == "status" else "StreamStatusRequest"
            body = spec["components"]["schemas"][f"tasks.{version}.{name}"]
            assert body["properties"]["tasks"]["maxItems"] > MAX_PARAMETERS


def test_names_of_operations_stay(spec: dict[str, Any]) -> None:
    named = {key: each["operationId"] for key, each in operations_of(spec)}
    assert named["POST /v2/create"] == "tasks.v2.Create"
    assert named["GET /v2/status"] == "tasks.v2.GetStatus"
    assert named["POST /v2/status"] == "tasks.v2.GetStatus.post.v2.status"
    assert named["HEAD /storage/{path}"] == "media.v1.DownloadOutput.head"


def test_both_surfaces_are_told_apart(spec: dict[str, Any]) -> None:
    tags = {tag["name"]: tag["description"] for tag in spec["tags"]}
    assert next(iter(tags)) == "Video API: accounts v1"
    assert {"Video API: media v1", "Tasks API: tasks v2", "Tasks API: media v1"} <= tags.keys()
    assert all(tags.values())
    assert {tag for _, each in operations_of(spec) for tag in each["tags"]} == tags.keys()


def test_every_operation_has_an_example_that_fits(spec: dict[str, Any]) -> None:
    for key, each in operations_of(spec):
        for parameter in each.get("parameters", ()):
            if "example" in parameter:
                fits(spec, parameter["schema"], parameter["example"])
            assert "example" in parameter or parameter["in"] != "path", key
        if body := each.get("requestBody", {}).get("content", {}).get("application/json"):
            fits(spec, body["schema"], body["example"])
        [good] = each["responses"].keys() & {"200", "201", "204", "302"}
        if answer := each["responses"][good].get("content", {}).get("application/json"):
            fits(spec, answer["schema"], answer["example"])
    for response in spec["components"]["responses"].values():
        content = response["content"]["application/json"]
        if "example" in content:
            fits(spec, content["schema"], content["example"])


def test_no_example_is_left_over(spec: dict[str, Any]) -> None:
    examples = json.loads((Path(openapi.__file__).with_name("examples.json")).read_text())
    known = dict(operations_of(spec))
    for key, example in examples["operations"].items():
        parameters = {each["name"] for each in known[key].get("parameters", ())}
        assert example.get("parameters", {}).keys() <= parameters, key


def test_operations_name_their_refusals(spec: dict[str, Any]) -> None:
    answers = {key: set(each["responses"]) for key, each in operations_of(spec)}
    process = answers["POST /videos/v1/process-video/{video_id}"]
    assert {"200", "400", "401", "403", "404", "409", "413", "429", "503"} <= process
    assert "403" not in answers["POST /v2/create"]
    assert "401" not in answers["GET /v2/status"]
    assert "416" in answers["HEAD /media/v1/download/original/{video_id}"]


def test_statuses_stand_where_comments_name_grpc_codes(spec: dict[str, Any]) -> None:
    codes = [code.name for code in grpc.StatusCode if code.name not in ("OK", "UNKNOWN")]
    for key, each in operations_of(spec):
        text = each["summary"] + each.get("description", "")
        assert not [code for code in codes if code in text], key


def test_files_say_what_may_be_kept(spec: dict[str, Any]) -> None:
    path = spec["paths"]["/media/v1/download/original/{video_id}"]
    assert {"ETag", "Accept-Ranges", "RateLimit-Limit"} <= path["get"]["responses"]["200"][
        "headers"
    ].keys()
    assert "Content-Range" in path["get"]["responses"]["206"]["headers"]
    assert "content" not in path["head"]["responses"]["200"]


def operations_of(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in spec["paths"].items():
        for method, each in operations.items():
            yield f"{method.upper()} {path}", each


def fits(spec: dict[str, Any], schema: Any, example: Any) -> None:
    """Validate, and take keys that no schema names for wrong."""
    root = {**closed(schema), "components": closed(spec["components"])}
    Draft202012Validator(root).validate(example)


def closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    if isinstance(inner.get("properties"), dict) and inner.get("type") == "object":
        inner.setdefault("additionalProperties", False)
    return inner


def test_every_field_says_what_it_is(spec: dict[str, Any]) -> None:
    for name, schema in spec["components"]["schemas"].items():
        for key, field in schema.get("properties", {}).items():
            assert "description" in field or "const" in field, f"{name}.{key}"


def test_every_task_kind_is_a_branch_of_its_version_s_definition(spec: dict[str, Any]) -> None:
    schemas = spec["components"]["schemas"]
    for package, kinds in catalogue(files_of(vitascope)).kinds.items():
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


SIGNED = {"type": "s3_signed", "url": "https://bucket.example/a?x=y"}
OAUTH_1 = dict.fromkeys(
    ("consumer_key", "consumer_secret", "access_token_key", "access_token_secret"), "t"
)


@pytest.mark.parametrize(
    ("version", "definition", "fit"),
    [
        ("v2", {"task_name": "image.gif", "images": ["http://a.example/"]}, True),
        ("v2", {"task_name": "image.gif", "images": []}, False),
        ("v2", {"task_name": "image.gif", "images": ["x"] * 501}, False),
        ("v2", {"task_name": "image.gif", "images": ["x"], "loop": -1}, True),
        ("v1", {"task_name": "image.gif", "images": ["x"], "loop": -1}, False),
        ("v2", {"task_name": "audio.waveform", "url": "x", "fill": "#12aBcD"}, True),
        ("v2", {"task_name": "audio.waveform", "url": "x", "fill": "mauve"}, False),
        ("v1", {"task_name": "video.reverse", "url": "x", "audio_codec": "mp3"}, True),
        ("v2", {"task_name": "video.reverse", "url": "x", "audio_codec": "mp3"}, False),
        ("v1", {"task_name": "image.strip", "urls": ["x"]}, False),
        ("v2", {"task_name": "video.upload.vimeo", "url": "x"}, False),
        ("v2", {"task_name": "video.upload.vimeo", "url": "x", "oauth2_token": "t"}, True),
        ("v1", {"task_name": "video.upload.vimeo", "url": "x", **OAUTH_1}, True),
        ("v2", {"task_name": "image.thumb", "url": "x", "task_store": {}}, True),
        ("v2", {"task_name": "image.thumb", "url": "x", "task_store": {"location": 5}}, True),
        ("v2", {"task_name": "image.thumb", "url": "x", "task_store": SIGNED}, True),
        ("v2", {"task_name": "image.thumb", "url": "x", "task_store": {"type": "tape"}}, False),
        ("v2", {"task_name": "image.thumb", "url": "x", "task_store": {"url": "x"}}, False),
        (
            "v2",
            {"task_name": "image.thumb", "url": "x", "task_store": {**SIGNED, "url": "ftp://a/"}},
            False,
        ),
    ],
)
def test_definitions_that_fit_and_that_do_not(
    spec: dict[str, Any], version: str, definition: dict[str, Any], fit: bool
) -> None:
    schema = {"$ref": f"#/components/schemas/tasks.{version}.TaskDefinition.in"}
    found = Draft202012Validator({**schema, "components": spec["components"]})
    assert found.is_valid(definition) is fit


def test_the_result_of_a_status_is_that_of_a_kind(spec: dict[str, Any]) -> None:
    schemas = spec["components"]["schemas"]
    for version, kinds, also in (("v1", 21, 2), ("v2", 22, 0)):
        branches = schemas[f"tasks.{version}.TaskStatus"]["properties"]["result"]["anyOf"]
        named = [each["$ref"] for each in branches if "$ref" in each]
        assert (len(named), len(branches) - len(named)) == (kinds, also)
        assert f"#/components/schemas/tasks.{version}.HtmlScrapeResult" in named
    hit = schemas["tasks.v2.HtmlHit"]["properties"]
    assert hit["width"]["anyOf"][1] == {"type": "null"}


def test_kinds_that_cannot_be_created_yet_say_so(spec: dict[str, Any]) -> None:
    known = catalogue(files_of(vitascope))
    for kind in known.kinds["vitascope.tasks.v1"]:
        name = kind.full_name.removeprefix("vitascope.")
        described = spec["components"]["schemas"][name]["description"]
        assert ("Not available yet." in described) is (task_name_of(kind) in known.unavailable)


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
    digests = [each for each in upload["parameters"] if each["name"] == "X-Content-SHA256"]
    assert [each["in"] for each in digests] == ["header"]
    assert {"signature": []} in upload["security"]
    download = paths["/storage/{path}"]["get"]
    assert {"200", "206", "304"} <= download["responses"].keys()
    named = {(each["name"], each["in"]) for each in download["parameters"]}
    assert {("path", "path"), ("Range", "header")} <= named
    project = paths["/videos/v1/project"]["put"]["requestBody"]["content"]["application/json"]
    assert project["schema"] == {"$ref": "#/components/schemas/videos.v1.CreateProjectRequest"}


async def test_it_is_served(client: httpx.AsyncClient) -> None:
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    validate(answer.json())
    assert "/lab/files/{path}" in answer.json()["paths"]
    assert "/lab/echo:loudly" in answer.json()["paths"]


def test_statuses_that_comments_name_are_listed(spec: dict[str, Any]) -> None:
    uploads = spec["paths"]["/media/v1/tus"]["post"]["responses"]
    assert {"201", "412", "413", "415", "460"} <= uploads.keys()
    assert "200" not in uploads
    more = spec["paths"]["/media/v1/tus/{upload_id}"]["patch"]["responses"]
    assert {"204", "409", "410", "423"} <= more.keys()
    assert "content" not in more["204"]
