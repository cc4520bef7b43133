"""The AsyncAPI document of the suite's own events."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft7Validator

import vitascope
from gateway.asyncapi import events_document
from gateway.routes import files_of

OFFICIAL = json.loads((Path(__file__).parent / "asyncapi" / "3.0.0.json").read_text())
TOPICS = {
    "vitascope.accounts.v1": "AccountEvent",
    "vitascope.media.v1": "MediaEvent",
    "vitascope.tasks.v1": "TaskEvent",
    "vitascope.videos.v1": "VideoEvent",
}


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return events_document(files_of(vitascope))


def complaints(spec: dict[str, Any]) -> list[str]:
    return [each.message for each in Draft7Validator(OFFICIAL).iter_errors(spec)]


def test_it_is_valid(spec: dict[str, Any]) -> None:
    Draft7Validator.check_schema(OFFICIAL)
    assert complaints(spec) == []
    assert complaints({**spec, "channels": {"a": {"adress": "a"}}})
    assert complaints({**spec, "info": {"title": "without a version"}})


def test_every_reference_leads_somewhere(spec: dict[str, Any]) -> None:
    def references(part: Any) -> list[str]:
        if isinstance(part, list):
            return [each for item in part for each in references(item)]
        if isinstance(part, dict):
            own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
            return own + [each for value in part.values() for each in references(value)]
        return []

    found = references(spec)
    assert len(found) > 30
    for reference in found:
        part = spec
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]
        assert part


def test_every_public_topic_is_there(spec: dict[str, Any]) -> None:
    assert spec["channels"].keys() == TOPICS.keys()
    for topic, message in TOPICS.items():
        assert spec["channels"][topic]["address"] == topic
        assert message in spec["channels"][topic]["messages"]
        assert topic in spec["channels"][topic]["description"]
        assert spec["operations"][f"send.{topic}"]["action"] == "send"


def test_a_message_says_what_its_headers_and_its_value_hold(spec: dict[str, Any]) -> None:
    message = spec["components"]["messages"]["VideoEvent"]
    assert message["name"] == "vitascope.videos.v1.VideoEvent"
    assert (
        "vitascope.videos.v1.IngestionProgressed"
        in (message["headers"]["properties"]["ce_type"]["enum"])
    )
    value = spec["components"]["schemas"]["videos.v1.VideoEvent"]["properties"]
    assert {"videoId", "teamId", "created", "processingProgressed", "deleted"} <= value.keys()
    progress = spec["components"]["schemas"]["videos.v1.ProcessingProgressed"]["properties"]
    assert progress["percent"]["type"] == "number"
    assert progress["etaSeconds"]["description"] == "Seconds until it is expected to end."


async def test_the_gateway_serves_it(client: httpx.AsyncClient) -> None:
    answer = await client.get("/asyncapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["asyncapi"] == "3.0.0"
    assert (await client.head("/asyncapi.json")).status_code == 200
    refused = await client.post("/asyncapi.json")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
