"""One embedded suite, and a user in two teams."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.kit.clips import CLIPS, FILM
from tests.kit.forging import forged_token
from tests.kit.suite import PASSWORD, Suite
from tests.kit.web import served
from tests.kit.youtube import Youtube, youtube_stand_in
from tests.surfaces.keeper import EXPIRATION, Keeper
from tests.surfaces.studio import Studio, answered

PAGE = "https://app.example.com/editor"


@pytest.fixture(scope="session")
def youtube() -> Iterator[Youtube]:
    """What the suite takes for YouTube."""
    with youtube_stand_in() as running:
        yield running


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory, youtube: Youtube) -> Iterator[Suite]:
    elsewhere = {"VITASCOPE_YOUTUBE_URL": youtube.url}
    with Suite(tmp_path_factory.mktemp("surfaces"), elsewhere) as suite:
        yield suite


@dataclass
class Person:
    """A user of the suite, and how they prove it."""

    suite: Suite
    email: str
    id: str
    team: str
    password: str = PASSWORD

    def basic(self) -> tuple[str, str]:
        return self.email, self.password

    def token(self, **query: str) -> str:
        """Return a token by password; `team_id` names a team."""
        params = {name.replace("_", "-"): value for name, value in query.items()}
        answer = httpx.get(
            f"{self.suite.url}/accounts/v1/token", params=params, auth=self.basic(), timeout=60
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["jwtToken"])

    def forged(self, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """Return a token by the user's own key with changed claims; None leaves a claim out."""
        return forged_token(self.suite.data, self.id, header, **{"team": self.team, **changes})

    def spoil_public_key(self) -> None:
        """Damage the user's public key where it is kept."""
        with closing(sqlite3.connect(self.suite.data / "db" / "accounts.sqlite")) as database:
            change = "UPDATE users SET public_key = 'none' WHERE id = ?"
            database.execute(change, (self.id,))
            database.commit()


@pytest.fixture(scope="session")
def ada(suite: Suite) -> Person:
    """Ada, who is also in the team Restorers."""
    person = add_person(suite, "ada@example.org")
    suite.run("teams", "add", "--name", "Restorers")
    suite.run("teams", "join", "--email", person.email, "--team", "Restorers")
    return person


def ended(anyone: httpx.Client, version: str, secret: str, kind: str, **wanted: Any) -> Any:
    """The status with which a task ends."""
    body = {"secret": secret, "tasks": {"task_name": kind, **wanted}, "block": True}
    answer = anyone.post(f"/{version}/create", json=body)
    assert answer.status_code == 200, answer.text
    (status,) = answer.json()
    return status


def add_person(suite: Suite, email: str) -> Person:
    """Add a user with a team of their own."""
    added = suite.run("users", "add", "--email", email, "--password", PASSWORD)
    return Person(suite, email, added["user_id"], added["team_id"])


@pytest.fixture(scope="module")
def keys(suite: Suite, ada: Person) -> dict[str, str]:
    """A secret and an API key of Ada's account, which a page may use."""
    made: dict[str, str] = suite.run("keys", "add", "--email", ada.email, "--referrer", PAGE)
    return made


@pytest.fixture(scope="module")
def secret(keys: dict[str, str]) -> str:
    return keys["secret"]


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """Where the clips are to be had."""
    with served(CLIPS) as site:
        yield site


@pytest.fixture(scope="module")
def picture(site: str) -> str:
    return f"{site}/bunny_sideways.jpg"


@pytest.fixture(scope="module")
def film(site: str) -> str:
    return f"{site}/big_buck_bunny.mp4"


@pytest.fixture
def anyone(suite: Suite) -> Iterator[httpx.Client]:
    """A client without credentials."""
    with httpx.Client(base_url=suite.url, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def alice(suite: Suite) -> Person:
    """Alice, who makes videos."""
    return add_person(suite, "alice@example.org")


@pytest.fixture(scope="session")
def georges(suite: Suite) -> Person:
    """Georges, who is in another team."""
    return add_person(suite, "georges@example.org")


@pytest.fixture(scope="session")
def premiere(alice: Person) -> str:
    """Alice's film in a project, wholly ingested; for all tests, none of which may change it."""
    with signed_in(alice) as studio:
        video = studio.video(name="Première", projectId=studio.project())
        answered(studio.upload(video, FILM))
        assert studio.ended(video)["ingestionStatus"] == "DONE"
        return video


@pytest.fixture(scope="module")
def studio(alice: Person) -> Iterator[Studio]:
    """Alice's videos, with a token that lasts for one file of tests."""
    with signed_in(alice) as studio:
        yield studio


@pytest.fixture(scope="module")
def stranger(georges: Person) -> Iterator[Studio]:
    """Georges' videos."""
    with signed_in(georges) as studio:
        yield studio


@contextmanager
def signed_in(person: Person) -> Iterator[Studio]:
    """Yield the person's videos."""
    headers = {"Authorization": f"Bearer {person.token()}"}
    url = person.suite.url
    with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        yield Studio(client, url, person.id, person.team)


@pytest.fixture(scope="session")
def keepers(suite: Suite) -> Iterator[tuple[Keeper, Keeper]]:
    """Two accounts with keys."""
    made = []
    with served(CLIPS) as source, httpx.Client(base_url=suite.url, timeout=60) as client:
        for email in ("keeper@example.org", "neighbour@example.org"):
            person = add_person(suite, email)
            keys = suite.run("keys", "add", "--email", email, "--referrer", PAGE)
            picture = f"{source}/bunny_sideways.jpg"
            made.append(Keeper(suite, person.team, client, keys, person.token(), picture))
        yield made[0], made[1]


@pytest.fixture
def keeper(keepers: tuple[Keeper, Keeper]) -> Keeper:
    """An account without any file."""
    keepers[0].delete()
    assert keepers[0].ask("POST", EXPIRATION, {"days": 0}).status_code == 200
    return keepers[0]


@pytest.fixture
def neighbour(keepers: tuple[Keeper, Keeper]) -> Keeper:
    """Another account."""
    keepers[1].delete()
    return keepers[1]
