"""Projects by gRPC: pages, names, other teams, deletion."""

from uuid import uuid4

import pytest

from services.chassis.errors import Invalid, NotFound, Unauthenticated, WrongState
from tests.videos.conftest import OURS, PUBLIC_URL, THEIRS, House
from vitascope.videos.v1 import videos_pb2

PROJECTS = f"{PUBLIC_URL}/videos/v1/projects"


async def create(house: House, name: str) -> str:
    answer = await house.ask("CreateProject", videos_pb2.CreateProjectRequest(name=name))
    return str(answer.project.id)


async def test_a_project_is_made_read_and_renamed(house: House) -> None:
    made = (await house.ask("CreateProject", videos_pb2.CreateProjectRequest(name="Öl"))).project
    assert (made.name, made.team_id) == ("Öl", OURS)
    read = await house.ask("GetProject", videos_pb2.GetProjectRequest(project_id=made.id))
    assert read.project == made
    assert made.date_created == made.time_last_updated
    renamed = await house.ask(
        "UpdateProject", videos_pb2.UpdateProjectRequest(project_id=made.id, name="New")
    )
    assert renamed.project.name == "New"
    assert renamed.project.date_created == made.date_created
    assert renamed.project.time_last_updated.ToNanoseconds() > made.date_created.ToNanoseconds()


async def test_pages_of_projects(house: House) -> None:
    names = [f"p{number}" for number in range(25)]
    ids = {await create(house, name): name for name in names}

    first = await house.ask("ListProjects", videos_pb2.ListProjectsRequest())
    assert (first.page, first.page_size, first.embedded.total_found) == (1, 10, 25)
    assert [each.name for each in first.embedded.projects] == names[:14:-1]
    top = first.embedded.projects[0]
    assert top.links.self.href == f"{PUBLIC_URL}/videos/v1/project/{top.id}"
    assert ids[top.id] == top.name
    assert top.date_created.seconds
    assert top.time_last_updated.seconds
    assert first.links.self.href == f"{PROJECTS}?page=1&page-size=10"
    assert first.links.next.href == f"{PROJECTS}?page=2&page-size=10"
    assert first.links.first.href == f"{PROJECTS}?page=1&page-size=10"
    assert first.links.last.href == f"{PROJECTS}?page=3&page-size=10"
    assert not first.links.HasField("previous")

    last = await house.ask("ListProjects", videos_pb2.ListProjectsRequest(page=3))
    assert [each.name for each in last.embedded.projects] == names[4::-1]
    assert last.links.previous.href == f"{PROJECTS}?page=2&page-size=10"
    assert not last.links.HasField("next")

    beyond = await house.ask(
        "ListProjects", videos_pb2.ListProjectsRequest(page=2**31 - 1, page_size=100)
    )
    assert not beyond.embedded.projects
    assert not beyond.links.HasField("next")
    assert beyond.links.previous.href == f"{PROJECTS}?page=1&page-size=100"

    everything = await house.ask("ListProjects", videos_pb2.ListProjectsRequest(page_size=100))
    assert len(everything.embedded.projects) == 25
    assert not everything.links.HasField("next")


async def test_no_projects_is_one_empty_page(house: House) -> None:
    await create(house, "ours")
    page = await house.ask("ListProjects", videos_pb2.ListProjectsRequest(), THEIRS)
    assert page.embedded.total_found == 0
    assert page.links.last.href == f"{PROJECTS}?page=1&page-size=10"


@pytest.mark.parametrize(
    ("numbers", "named"),
    [
        ({"page": 0}, ["page"]),
        ({"page": -1}, ["page"]),
        ({"page_size": 0}, ["page-size"]),
        ({"page_size": 101}, ["page-size"]),
        ({"page": 0, "page_size": -5}, ["page", "page-size"]),
    ],
)
@pytest.mark.parametrize("what", ["Projects", "Videos"])
async def test_bad_page_numbers_are_named(
    house: House, what: str, numbers: dict[str, int], named: list[str]
) -> None:
    request = getattr(videos_pb2, f"List{what}Request")(**numbers)
    error = await house.refused(f"List{what}", request)
    assert isinstance(error, Invalid)
    assert [violation.field for violation in error.violations] == named
    assert all(violation.location == "query" for violation in error.violations)
    assert all(field in error.message for field in named)


@pytest.mark.parametrize("name", ["", " \t", "a\0b", "x" * 256])
async def test_names_that_no_project_has(house: House, name: str) -> None:
    project = await create(house, "x" * 255)
    for rpc, request in (
        ("CreateProject", videos_pb2.CreateProjectRequest(name=name)),
        ("UpdateProject", videos_pb2.UpdateProjectRequest(project_id=project, name=name)),
    ):
        error = await house.refused(rpc, request)
        assert isinstance(error, Invalid)
        assert [violation.field for violation in error.violations] == ["name"]


async def test_other_teams_unknown_and_malformed_projects_are_not_found(house: House) -> None:
    project = await create(house, "ours")
    for project_id, team in (
        (project, THEIRS),
        (str(uuid4()), OURS),
        (project.upper() + "x", OURS),
        ("", OURS),
        ("a\0b", OURS),
        ("' or 1=1", OURS),
    ):
        for rpc, request in (
            ("GetProject", videos_pb2.GetProjectRequest(project_id=project_id)),
            ("UpdateProject", videos_pb2.UpdateProjectRequest(project_id=project_id, name="n")),
            ("DeleteProject", videos_pb2.DeleteProjectRequest(project_id=project_id)),
            ("CreateVideo", videos_pb2.CreateVideoRequest(project_id=project_id)),
        ):
            error = await house.refused(rpc, request, team)
            assert isinstance(error, NotFound)
            assert error.reason == "ProjectNotFoundException"
    await house.ask("GetProject", videos_pb2.GetProjectRequest(project_id=project))


async def test_only_an_empty_project_can_be_deleted(house: House) -> None:
    project = await create(house, "full")
    other = await create(house, "empty")
    video = await house.create(project_id=project)
    error = await house.refused(
        "DeleteProject", videos_pb2.DeleteProjectRequest(project_id=project)
    )
    assert isinstance(error, WrongState)
    assert error.reason == "ProjectNotEmptyException"

    await house.ask("DeleteProject", videos_pb2.DeleteProjectRequest(project_id=other))
    assert (await house.video(video)).project_id == project
    await house.ask("DeleteVideo", videos_pb2.DeleteVideoRequest(video_id=video))
    await house.ask("DeleteProject", videos_pb2.DeleteProjectRequest(project_id=project))
    assert isinstance(
        await house.refused("GetProject", videos_pb2.GetProjectRequest(project_id=project)),
        NotFound,
    )


async def test_a_token_is_needed(house: House) -> None:
    error = await house.refused("ListProjects", videos_pb2.ListProjectsRequest(), "not ann's team")
    assert isinstance(error, Unauthenticated)
