"""The running suite keeps to its own OpenAPI document, whatever it is sent."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case, HookContext
from schemathesis.checks import not_a_server_error
from schemathesis.generation.meta import CoveragePhaseData
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import vitascope
from gateway.openapi import document
from gateway.routes import files_of, routes_of
from tests.kit.suite import PASSWORD, Suite

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 6
EMAIL = "fuzz@example.org"
# What the gateway says to what is hardly a request; the document has them under `default`.
UNLISTED = {405, 414, 431}

_FILES = files_of(vitascope)
DOCUMENT = document(_FILES, routes_of(_FILES), "http://vitascope.test")
schema = schemathesis.openapi.from_dict(DOCUMENT)
schema.config.phases.coverage.unexpected_methods = set()
# What `iter_coverage_cases` said of the cases that were taken, by operation.
_taken: set[tuple[str, object, str | None, str]] = set()


@schema.hook
def filter_case(_: HookContext, case: "Case[Any]") -> bool:
    """Take what covers the schema of definitions once, not again in each of the dozens of kinds.

    The kinds times the stores would be 10,000 requests to each operation that creates tasks; what
    kinds may be asked is in test_any_definition.py. Random cases are all taken.
    """
    said = case.meta.phase.data if case.meta else None
    if not isinstance(said, CoveragePhaseData) or "/create" not in case.path:
        return True
    # A definition stands alone or in a list.
    described = said.description.replace("Single-item array: ", "")
    described = described.replace("Array with invalid items: ", "")
    key = (case.operation.label, said.scenario, said.parameter, described)
    new = key not in _taken
    _taken.add(key)
    return new


@dataclass
class User:
    """A user whose password and tokens end while the tests run."""

    suite: Suite
    secret: str
    password: str = PASSWORD
    token: str = ""
    session: requests.Session = field(default_factory=requests.Session)

    def headers(self, path: str) -> dict[str, str]:
        """Return credentials that work for a path just now."""
        if path.startswith(("/v1/", "/v2/", "/storage/")):
            return {"Authorization": f"Secret {self.secret}"}
        if not self.token:
            url = f"{self.suite.url}/accounts/v1/token"
            answer = httpx.get(url, auth=(EMAIL, self.password), timeout=60)
            self.token = answer.json()["jwtToken"]
        return {"Authorization": f"Bearer {self.token}"}

    def notice(self, case: "Case[Any]", status: int) -> None:
        """Remember what a successful call changed."""
        if status == 200 and case.path == "/accounts/v1/update-password":
            assert isinstance(case.body, dict)
            self.password, self.token = str(case.body["newPassword"]), ""
        if status == 200 and case.path == "/accounts/v1/generate-auth-secret":
            self.token = ""


@pytest.fixture(scope="module")
def user(suite: Suite) -> Iterator[User]:
    suite.run("users", "add", "--email", EMAIL, "--password", PASSWORD)
    user = User(suite, suite.run("keys", "add", "--email", EMAIL)["secret"])
    with user.session:
        yield user


@pytest.fixture
def owned(user: User) -> Iterator[dict[str, str]]:
    """Ids of things that are there."""
    with httpx.Client(base_url=user.suite.url, headers=user.headers("/videos")) as client:
        project = client.put("/videos/v1/project", json={"name": "Films"}).json()["project"]["id"]
        video = client.put("/videos/v1/video", json={}).json()["videoId"]
        yield {"project_id": project, "video_id": video}


def test_the_suite_serves_the_document_of_these_tests(suite: Suite) -> None:
    served = httpx.get(f"{suite.url}/openapi.json").json()
    assert served.pop("servers") == [{"url": suite.url}]
    assert served == {key: value for key, value in DOCUMENT.items() if key != "servers"}


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_as_described(case: "Case[Any]", user: User, owned: dict[str, str]) -> None:
    check(case, user)
    if owned.keys() & case.path_parameters.keys():
        known = {name: owned.get(name, given) for name, given in case.path_parameters.items()}
        case.path_parameters = known
        check(case, user)


def check(case: "Case[Any]", user: User) -> None:
    """Send the request; the answer is one that the document lists, and as it describes it."""
    headers = user.headers(case.path)
    answer = case.call(base_url=user.suite.url, session=user.session, headers=headers)
    user.notice(case, answer.status_code)
    case.validate_response(answer, checks=CHECKS)
    listed = case.operation.definition.raw["responses"]
    assert str(answer.status_code) in listed or answer.status_code in UNLISTED
