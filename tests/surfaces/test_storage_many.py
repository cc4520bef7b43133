"""An account with a hundred thousand files: one list of all of them, and flat memory."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from tests.surfaces.keeper import FILES, Keeper

MANY = 100_000
SIZE = 4293
# A list of so many is 12 MB of JSON; held as a whole anywhere it would take several times that.
FLAT_BYTES = 40 * 2**20

ADD = """
    WITH RECURSIVE numbers(number) AS (
        SELECT 0 UNION ALL SELECT number + 1 FROM numbers WHERE number < :many - 1
    )
    INSERT INTO outputs
        (account_id, item_id, file_name, name, storage_key, content_type, size, sha256, stored_at)
    SELECT
        :team, printf('KEY%023d', number), 'dragon-image.thumb-IeWutW', 'output',
        printf('work/KEY%023d/1/output', number), 'image/jpeg', :size, '0', '2026-01-01 00:00:00.5'
    FROM numbers
"""


@pytest.fixture
def crowded(keeper: Keeper) -> Iterator[Keeper]:
    """An account whose files are known, though not in storage."""
    media = keeper.suite.data / "db" / "media.sqlite"
    values = {"many": MANY, "team": keeper.team, "size": SIZE}
    count = "UPDATE accounts SET output_bytes = output_bytes + ? WHERE account_id = ?"
    with closing(sqlite3.connect(media, timeout=30)) as database:
        database.execute(ADD, values)
        database.execute(count, (MANY * SIZE, keeper.team))
        database.commit()
        yield keeper
        database.execute("DELETE FROM outputs WHERE account_id = ?", (keeper.team,))
        database.execute(
            "UPDATE accounts SET output_bytes = 0 WHERE account_id = ?", (keeper.team,)
        )
        database.commit()


def memory(keeper: Keeper) -> dict[str, int]:
    """What the processes on the way have in memory, in bytes."""
    parts = ("gateway", "services.media")
    return {part: keeper.suite.part(part).memory_info().rss for part in parts}


def test_one_list_has_them_all(crowded: Keeper) -> None:
    query = {**crowded.secret(), "recursive": "true"}
    crowded.list("KEY", recursive="true")
    before = memory(crowded)
    grown = dict.fromkeys(before, 0)
    pieces = []
    with crowded.client.stream("GET", FILES, params=query) as answer:
        for number, piece in enumerate(answer.iter_bytes()):
            pieces.append(piece)
            if number % 50 == 0:
                now = memory(crowded)
                grown = {part: max(grown[part], now[part] - before[part]) for part in now}
    listed = httpx.Response(200, content=b"".join(pieces)).json()
    assert len({file["name"] for file in listed["files"]}) == MANY
    assert (listed["directories"], listed["usage"]) == ([], MANY * SIZE)
    assert max(grown.values()) < FLAT_BYTES, grown
    root = crowded.list()
    assert (len(root["directories"]), root["files"], root["usage"]) == (MANY, [], 0)


def test_some_of_many_can_be_deleted(crowded: Keeper) -> None:
    every_tenth = [
        f"{crowded.suite.url}/storage/{crowded.team}/KEY{number:023d}/dragon-image.thumb-IeWutW"
        for number in range(0, 30_000, 10)
    ]
    done = crowded.delete(urls=every_tenth)
    assert (len(done["deleted"]), done["freed"]) == (3000, 3000 * SIZE)
    assert done["usage"] == (MANY - 3000) * SIZE
    dry = crowded.delete(dry_run=True)
    assert (len(dry["deleted"]), dry["freed"]) == (MANY - 3000, done["usage"])
