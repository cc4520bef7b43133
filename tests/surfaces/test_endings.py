"""Old tokens end everywhere within five seconds; passwords cannot be guessed; rates hold."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.kit.suite import PASSWORD, Suite
from tests.kit.waiting import wait_for
from tests.surfaces.conftest import Person, add_person
from tests.surfaces.test_accounts import bearer, refused

WITHIN_SECONDS = 5.0
PROJECTS = "/videos/v1/projects"


def rotate(person: Person) -> None:
    answer = httpx.get(f"{person.suite.url}/accounts/v1/generate-auth-secret", auth=person.basic())
    assert answer.status_code == 200


def change_password(person: Person) -> None:
    answer = httpx.post(
        f"{person.suite.url}/accounts/v1/update-password",
        json={"newPassword": "another password"},
        auth=person.basic(),
    )
    assert answer.status_code == 200


def ban(person: Person) -> None:
    person.suite.run("users", "ban", "--email", person.email, "--reason", "spam")


ENDINGS: dict[str, tuple[Callable[[Person], None], int, str]] = {
    "rotation": (rotate, 401, "InvalidJWTTokenFoundException"),
    "password": (change_password, 401, "InvalidJWTTokenFoundException"),
    "ban": (ban, 403, "UserBannedException"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_tokens_end_in_another_service(anyone: httpx.Client, suite: Suite, ending: str) -> None:
    end, status, exception = ENDINGS[ending]
    person = add_person(suite, f"{ending}@example.org")
    headers = bearer(person.token())
    # The videos service has just looked the key up: the worst moment to end it.
    assert anyone.get(PROJECTS, headers=headers).status_code == 200
    end(person)
    ended = time.monotonic()
    answer: httpx.Response | None = None

    def is_refused() -> bool:
        nonlocal answer
        answer = anyone.get(PROJECTS, headers=headers)
        return answer.status_code != 200

    wait_for(is_refused, seconds=WITHIN_SECONDS, what="the token to end")
    assert time.monotonic() - ended < WITHIN_SECONDS
    assert answer is not None
    assert refused(answer, status) == exception


def test_a_ban_shuts_every_door_and_can_be_lifted(anyone: httpx.Client, suite: Suite) -> None:
    person = add_person(suite, "mallory@example.org")
    token = person.token()
    ban(person)
    doors: list[dict[str, Any]] = [{"auth": person.basic()}, {"headers": bearer(token)}]
    for proof in doors:
        answer = anyone.get("/accounts/v1/token", **proof)
        assert refused(answer, 403) == "UserBannedException"
        assert "spam" in answer.json()["errorMessage"]
    listed = {user["email"]: user for user in suite.run("users", "list")}
    assert (listed[person.email]["banned"], listed[person.email]["banned_reason"]) == (True, "spam")
    suite.run("users", "unban", "--email", person.email)
    assert anyone.get("/accounts/v1/token", headers=bearer(token)).status_code == 200


def test_leaving_a_team_ends_its_tokens(anyone: httpx.Client, suite: Suite) -> None:
    person = add_person(suite, "leaver@example.org")
    team = suite.run("teams", "add", "--name", "Left")["team_id"]
    suite.run("teams", "join", "--email", person.email, "--team", team)
    headers = bearer(person.token(team_id=team))
    suite.run("teams", "leave", "--email", person.email, "--team", "Left")
    answer = anyone.post("/accounts/v1/token", headers=headers)
    assert refused(answer, 401) == "InconsistentJWTClaimsException"


def test_guessing_a_password_is_slowed_down(anyone: httpx.Client, suite: Suite) -> None:
    victim = add_person(suite, "victim@example.org")
    for email in (victim.email, "no-victim@example.org"):
        for _ in range(5):
            refused(anyone.get("/accounts/v1/token", auth=(email, "a guess")), 401)
        locked = anyone.get("/accounts/v1/token", auth=(email, PASSWORD))
        assert refused(locked, 429) == "TooManyRequestsException"
        assert int(locked.headers["retry-after"]) >= 1

    def right_again() -> bool:
        return anyone.get("/accounts/v1/token", auth=victim.basic()).status_code == 200

    wait_for(right_again, seconds=10, what="the lock to open")
    # A success clears the count: one more failure is a first one.
    refused(anyone.get("/accounts/v1/token", auth=(victim.email, "a guess")), 401)
    assert right_again()


def test_requests_a_minute(anyone: httpx.Client, suite: Suite) -> None:
    person = add_person(suite, "busy@example.org")
    suite.run("limits", "set", "--team", person.team, "--requests-per-minute", "3")
    assert suite.run("limits", "show", "--team", person.email)["limits"] == {
        "tasks_in_flight": 0,
        "tasks_per_minute": 0,
        "stored_bytes": 0,
        "requests_per_minute": 3,
    }
    headers = bearer(person.token())
    for left in ("2", "1", "0"):
        answer = anyone.get(PROJECTS, headers=headers)
        assert answer.status_code == 200
        assert answer.headers["ratelimit-limit"] == "3"
        assert answer.headers["ratelimit-remaining"] == left
        assert 0 < int(answer.headers["ratelimit-reset"]) <= 60
    spent = anyone.get(PROJECTS, headers=headers)
    assert refused(spent, 429) == "TooManyRequestsException"
    assert 1 <= int(spent.headers["retry-after"]) <= 20
    assert spent.headers["ratelimit-remaining"] == "0"
