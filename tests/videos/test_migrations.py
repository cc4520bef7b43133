"""Rows of earlier versions."""

from importlib import import_module
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from services.chassis.database import Database, now
from services.videos import store
from services.videos.model.targets import Target

VERSIONS = "services.videos.migrations.versions"
BOTH = pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)
OLD: dict[str, Any] = {
    **{"container": "mp4", "codec": "h264", "pixel_format": "yuv420p", "yuv": "4:2:0", "bits": 8},
    **{"bitrate": 1000, "width": 64, "height": 36, "scales": True, "file_name": "a.mp4"},
    **{"start": None, "end": None},
}


@BOTH
@pytest.mark.parametrize(("scales", "scaler"), [(True, "scale"), (False, "")])
async def test_targets_of_the_first_version_are_read(
    database_url: str, scales: bool, scaler: str
) -> None:
    database = Database(database_url, store.metadata)
    moment = now()
    row = {
        **{"id": "v", "user_id": "u", "team_id": "t", "target": {**OLD, "scales": scales}},
        **{"work_status": "DONE", "work_updated_at": moment, "work_dispatch": "submitted"},
        **{"work_percent": 100.0, "created_at": moment, "updated_at": moment},
    }

    def upgrade(connection: sa.Connection) -> None:
        versions = [
            import_module(f"{VERSIONS}.{name}")
            for name in ("0001_projects_and_videos", "0002_work_requeued", "0003_conversions")
        ]
        with Operations.context(MigrationContext.configure(connection)):
            for version in versions[:2]:
                version.upgrade()
            columns = [column for column in store.videos.c if column.name in row]
            old = sa.table("videos", *(sa.column(each.name, each.type) for each in columns))
            connection.execute(old.insert().values(row))
            versions[2].upgrade()

    async with database.transaction() as tx:
        await tx.run_sync(upgrade)
        video = await store.video(tx, "v")
    assert video is not None
    assert video.target == Target(
        **{key: value for key, value in OLD.items() if key != "scales"}, scaler=scaler
    )
    assert (video.thumbnails, video.web_video) == (False, False)
    await database.close()
