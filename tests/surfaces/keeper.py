"""An account of the Tasks API that looks after the files of its tasks."""

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.kit.suite import Suite
from tests.surfaces.documented import Each, Shape, check

FILES = "/v2/storage/files"
EXPIRATION = "/v2/storage/expiration"
NAME = r"dragon-image\.thumb-[A-Za-z0-9]{6}"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NOWHERE = {"files": [], "directories": [], "usage": 0}


def listing(name: str) -> Shape:
    file: Shape = {"name": re.compile(name), "size": int, "last_modified": MOMENT}
    return {
        "files": Each(file),
        "directories": Each(re.compile(r"[A-Z0-9]{26}/")),
        "usage": int,
    }


DELETED: Shape = {
    "deleted": Each(re.compile(rf"[A-Z0-9]{{26}}/{NAME}")),
    "freed": int,
    "usage": int,
}
WRONG: Shape = {
    "status": frozenset({"error"}),
    "errors": Each({"name": str, "location": str, "description": str}),
}


@dataclass
class Keeper:
    """An account with its keys; `client` carries no credentials, `token` is a user's."""

    suite: Suite
    team: str
    client: httpx.Client
    keys: dict[str, str]
    token: str
    picture: str

    def make(self, *stores: str, version: str = "v2") -> list[dict[str, Any]]:
        """Make a thumbnail in each of the stores; return the tasks' statuses."""
        task = {"task_name": "image.thumb", "url": self.picture, "width": 64, "height": 64}
        tasks = [{**task, **({"task_store": {"type": store}} if store else {})} for store in stores]
        body = {"secret": self.keys["secret"], "tasks": tasks, "block": True}
        made: list[dict[str, Any]] = self.client.post(f"/{version}/create", json=body).json()
        assert [each["status"] for each in made] == ["success"] * len(stores), made
        return made

    def secret(self) -> dict[str, str]:
        return {"secret": self.keys["secret"]}

    def list(self, path: str = "", **query: Any) -> dict[str, Any]:
        answer = self.client.get(f"{FILES}/{path}", params={**self.secret(), **query})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def delete(self, path: str = "", **body: Any) -> dict[str, Any]:
        answer = self.ask("DELETE", f"{FILES}/{path}", body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        check(found, DELETED)
        return found

    def ask(self, method: str, path: str, body: dict[str, Any]) -> httpx.Response:
        return self.client.request(method, path, json={**self.secret(), **body})

    def age(self, key: str, by: timedelta) -> None:
        """Make a task's files look older."""
        at = datetime.now(UTC) - by
        ends = at + timedelta(days=7)
        change = (
            "UPDATE outputs SET stored_at = ?, "
            "ends_at = CASE WHEN ends_at IS NULL THEN NULL ELSE ? END WHERE item_id = ?"
        )
        text = "%Y-%m-%d %H:%M:%S.%f"
        media = self.suite.data / "db" / "media.sqlite"
        with closing(sqlite3.connect(media, timeout=30)) as database:
            values = (at.strftime(text), ends.strftime(text), key)
            assert database.execute(change, values).rowcount == 1
            database.commit()


def path_of(status: dict[str, Any]) -> str:
    """The path of a task's file, relative to the root of its account."""
    return "/".join(status["result"]["output"].split("/")[-2:])


def problems(answer: httpx.Response, status: int = 400) -> list[tuple[str, str]]:
    """Check an error's documented shape; return what is wrong and where it stands."""
    assert answer.status_code == status, answer.text
    check(answer.json(), WRONG)
    return [(each["name"], each["location"]) for each in answer.json()["errors"]]
