"""The folder of an embedded suite."""

import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cli.home import Home, HomeInUseError

ADDRESSES = {
    "accounts": "127.0.0.1:1",
    "videos": "127.0.0.1:2",
    "media": "127.0.0.1:3",
    "tasks": "127.0.0.1:4",
    "http": "127.0.0.1:5",
    "broker": "127.0.0.1:6",
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "data")
    home.prepare()
    return home


def test_keys_are_made_once_and_for_the_owner_only(home: Home) -> None:
    first = home.keys()
    assert home.keys() == first
    assert len(set(first.values())) == 2
    assert min(len(key) for key in first.values()) >= 32
    assert stat.S_IMODE((home.root / "keys.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.root.stat().st_mode) == 0o700


def test_one_suite_a_folder(home: Home) -> None:
    assert not home.is_running()
    with home.claimed():
        home.addresses_file.write_text("{}")
        assert home.is_running()
        with pytest.raises(HomeInUseError, match="already runs"), Home(home.root).claimed():
            pass
        assert home.addresses_file.exists()
    assert not home.is_running()
    assert not home.addresses_file.exists()


def test_looking_does_not_keep_a_suite_from_starting(home: Home) -> None:
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            home.is_running()

    onlooker = threading.Thread(target=look)
    onlooker.start()
    try:
        for _ in range(100):
            with home.claimed():
                home.write_addresses(ADDRESSES)
                assert home.running_addresses() == ADDRESSES
    finally:
        done.set()
        onlooker.join()
    assert home.running_addresses() is None


def test_commands_that_start_at_once_agree_on_the_keys(home: Home) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: Home(home.root).keys(), range(8)))
    assert all(keys == found[0] for keys in found)
    assert {path.name for path in home.root.iterdir() if path.is_file()} == {"keys.json"}


def test_what_the_user_set_wins(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITASCOPE_DATABASE_URL", "postgresql://db/{service}")
    environment = home.environment(ADDRESSES)
    assert environment["VITASCOPE_DATABASE_URL"] == "postgresql://db/{service}"
    assert environment["VITASCOPE_STORAGE_URL"] == f"file://{home.root}/storage"
    assert environment["VITASCOPE_KAFKA_SERVERS"] == "127.0.0.1:6"
    assert environment["VITASCOPE_PUBLIC_URL"] == "http://127.0.0.1:5"
