"""The schema, and what SQL says on both engines."""

import pytest

from services.chassis.errors import NotFound
from tests.kit.schema import drift
from tests.videos.conftest import THEIRS, House
from vitascope.videos.v1 import videos_pb2

BOTH = pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)


@BOTH
async def test_the_migrated_schema_is_the_stores(house: House) -> None:
    assert await drift(house.db) == []


@BOTH
async def test_a_videos_whole_life(house: House) -> None:
    project = (await house.ask("CreateProject", videos_pb2.CreateProjectRequest(name="p"))).project
    original = await house.ingested(name="Film", project_id=project.id)
    await house.create(THEIRS)
    child = await house.processed(original)
    await house.dispatcher.submit_pending()
    await house.healing.heal_overdue()
    assert f"process:{child}" in house.ledger.items

    request = videos_pb2.ListVideosRequest(project_id=project.id, page=2, page_size=1)
    page = await house.ask("ListVideos", request)
    assert page.embedded.total_found == 2
    assert [each.id for each in page.embedded.videos] == [original]

    delete = videos_pb2.DeleteProjectRequest(project_id=project.id)
    assert (await house.refused("DeleteProject", delete)).reason == "ProjectNotEmptyException"
    answer = await house.ask("DeleteVideo", videos_pb2.DeleteVideoRequest(video_id=original))
    assert [each.video_id for each in answer.deleted_videos] == [original, child]
    await house.ask("DeleteProject", delete)
    assert isinstance(await house.refused("DeleteProject", delete), NotFound)
