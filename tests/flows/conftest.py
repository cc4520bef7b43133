"""One embedded suite for all flows that leave it as they found it."""

from collections.abc import Iterator

import httpx
import pytest

from tests.kit.clips import CLIPS
from tests.kit.suite import Suite
from tests.kit.web import served


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    with Suite(tmp_path_factory.mktemp("suite")) as suite:
        yield suite


@pytest.fixture(scope="session")
def client(suite: Suite) -> Iterator[httpx.Client]:
    """Signed in as Ada."""
    with suite.signed_in("ada@example.org") as client:
        yield client


@pytest.fixture(scope="session")
def stranger(suite: Suite) -> Iterator[httpx.Client]:
    """Signed in as somebody of another team."""
    with suite.signed_in("grace@example.org") as client:
        yield client


@pytest.fixture(scope="session")
def secret(suite: Suite, client: httpx.Client) -> str:
    """Ada's Tasks API secret."""
    return str(suite.run("keys", "add", "--email", "ada@example.org")["secret"])


@pytest.fixture(scope="session")
def pictures() -> Iterator[str]:
    """The address of a server with the repository's clips."""
    with served(CLIPS) as address:
        yield address
