"""Every request and answer that the Video API documents about projects, by REST."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.kit.suite import Suite
from tests.surfaces.conftest import add_person, signed_in
from tests.surfaces.studio import DATE, UNKNOWN, Studio, answered, refused

DETAILS = {"id", "name", "teamId", "dateCreated", "timeLastUpdated"}
LISTED = {"_links", "id", "name", "dateCreated", "timeLastUpdated"}
NOT_FOUND = "ProjectNotFoundException"


@pytest.fixture(scope="module")
def lister(suite: Suite) -> Iterator[Studio]:
    """Somebody who has nothing that a test did not make."""
    with signed_in(add_person(suite, "lois@example.org")) as studio:
        yield studio


def test_a_project_is_made_read_and_renamed(studio: Studio) -> None:
    made = answered(studio.put("project", {"name": "Früher Film"}))
    assert made.keys() == {"project"}
    project = made["project"]
    assert project.keys() == DETAILS
    assert (project["name"], project["teamId"]) == ("Früher Film", studio.team)
    assert DATE.fullmatch(project["dateCreated"])
    assert DATE.fullmatch(project["timeLastUpdated"])
    assert answered(studio.get(f"project/{project['id']}")) == made

    renamed = answered(studio.post(f"project/{project['id']}", {"name": "Later"}))["project"]
    assert renamed == {**project, "name": "Later", "timeLastUpdated": renamed["timeLastUpdated"]}
    assert answered(studio.get(f"project/{project['id']}"))["project"]["name"] == "Later"


def test_an_empty_project_is_deleted(studio: Studio) -> None:
    project = studio.project()
    assert answered(studio.delete(f"project/{project}")) == {}
    refused(studio.get(f"project/{project}"), 404, NOT_FOUND)
    refused(studio.delete(f"project/{project}"), 404, NOT_FOUND)


def test_a_project_with_videos_stays(studio: Studio) -> None:
    project = studio.project()
    video = studio.video(projectId=project)
    refused(studio.delete(f"project/{project}"), 409, "ProjectNotEmptyException")
    answered(studio.delete(f"video/{video}"))
    assert answered(studio.delete(f"project/{project}")) == {}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "n" * 256}, "name"),
        ({"name": 7}, "name"),
        ({"name": "a", "colour": "b"}, "colour"),
    ],
)
def test_bodies_that_are_refused(studio: Studio, body: dict[str, Any], named: str) -> None:
    assert named in refused(studio.put("project", body), 400, "BadRequestException")
    project = studio.project()
    assert named in refused(studio.post(f"project/{project}", body), 400, "BadRequestException")


def test_pages_of_projects(lister: Studio) -> None:
    address = f"{lister.url}/videos/v1/projects"
    projects = [lister.project(f"Project {number}") for number in range(5)][::-1]

    def link(page: int) -> dict[str, str]:
        return {"href": f"{address}?page={page}&page-size=2"}

    first = answered(lister.get("projects", **{"page-size": 2}))
    assert first.keys() == {"pageSize", "page", "_links", "_embedded"}
    assert (first["pageSize"], first["page"]) == (2, 1)
    assert first["_links"] == {
        "self": link(1),
        "next": link(2),
        "first": link(1),
        "last": link(3),
    }
    assert first["_embedded"]["totalFound"] == 5
    listed = first["_embedded"]["projects"]
    assert [each["id"] for each in listed] == projects[:2]
    assert all(each.keys() == LISTED for each in listed)
    own = {"self": {"href": f"{lister.url}/videos/v1/project/{projects[0]}"}}
    assert listed[0]["_links"] == own

    seen, page = [], first
    while True:
        seen += [each["id"] for each in page["_embedded"]["projects"]]
        if "next" not in page["_links"]:
            break
        page = answered(lister.client.get(page["_links"]["next"]["href"]))
    assert seen == projects
    assert page["_links"].keys() == {"self", "previous", "first", "last"}
    assert page["_links"]["previous"] == link(2)


def test_the_usual_page_has_ten(lister: Studio) -> None:
    page = answered(lister.get("projects"))
    assert (page["pageSize"], page["page"]) == (10, 1)
    beyond = answered(lister.get("projects", page=99))
    assert beyond["_embedded"]["projects"] == []
    assert "next" not in beyond["_links"]


@pytest.mark.parametrize("path", ["projects", "videos"])
@pytest.mark.parametrize("size", [1, 100])
def test_the_smallest_and_the_largest_page(studio: Studio, path: str, size: int) -> None:
    page = answered(studio.get(path, page=1, **{"page-size": size}))
    assert (page["pageSize"], page["page"]) == (size, 1)
    assert len(page["_embedded"][path]) <= size


@pytest.mark.parametrize("path", ["projects", "videos"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page", "0"),
        ("page", "-1"),
        ("page", "one"),
        ("page-size", "0"),
        ("page-size", "101"),
        ("page-size", "1.5"),
        ("order", "name"),
    ],
)
def test_pages_that_cannot_be_name_the_parameter(
    studio: Studio, path: str, name: str, value: str
) -> None:
    message = refused(studio.get(path, **{name: value}), 400, "BadRequestException")
    assert name in message


def test_another_team_sees_nothing_of_it(studio: Studio, stranger: Studio) -> None:
    project = studio.project()
    refused(stranger.get(f"project/{project}"), 404, NOT_FOUND)
    refused(stranger.post(f"project/{project}", {"name": "mine"}), 404, NOT_FOUND)
    refused(stranger.delete(f"project/{project}"), 404, NOT_FOUND)
    refused(stranger.put("video", {"projectId": project}), 404, NOT_FOUND)
    listed = answered(stranger.get("projects"))["_embedded"]
    assert project not in {each["id"] for each in listed["projects"]}


@pytest.mark.parametrize("project", [UNKNOWN, "film", "a b"])
def test_unknown_projects(studio: Studio, project: str) -> None:
    refused(studio.get(f"project/{project}"), 404, NOT_FOUND)
    refused(studio.post(f"project/{project}", {"name": "a"}), 404, NOT_FOUND)
    refused(studio.delete(f"project/{project}"), 404, NOT_FOUND)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"project/{UNKNOWN}"),
        ("GET", "projects"),
        ("PUT", "project"),
        ("POST", f"project/{UNKNOWN}"),
        ("DELETE", f"project/{UNKNOWN}"),
        ("GET", f"video/{UNKNOWN}"),
        ("GET", "videos"),
        ("PUT", "video"),
        ("POST", f"process-video/{UNKNOWN}"),
        ("GET", f"check-process-video-progress/{UNKNOWN}"),
        ("GET", f"check-ingest-video-progress/{UNKNOWN}"),
        ("DELETE", f"video/{UNKNOWN}"),
    ],
)
@pytest.mark.parametrize(
    ("credentials", "exception"),
    [
        (None, "NoJWTTokenFoundException"),
        ("Bearer x.y.z", "InvalidJWTTokenFoundException"),
    ],
)
def test_every_request_needs_a_token(
    studio: Studio, method: str, path: str, credentials: str | None, exception: str
) -> None:
    headers = {"Authorization": credentials or ""}
    with_body = method in ("PUT", "POST")
    answer = studio.client.request(
        method,
        f"/videos/v1/{path}",
        headers=headers,
        content=b'{"name": "a"}' if with_body and "process" not in path else None,
    )
    refused(answer, 401, exception)
