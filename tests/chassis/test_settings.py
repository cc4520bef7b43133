"""Settings come from the environment, and wrong ones name every fault."""

import pytest
from pydantic import SecretStr, ValidationError

from services.chassis.settings import Settings, load
from tests.kit.identities import make_settings


def test_load_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITASCOPE_INTERNAL_KEY", "i" * 32)
    monkeypatch.setenv("VITASCOPE_ENCRYPTION_KEY", "e" * 32)
    monkeypatch.setenv("VITASCOPE_WORKER_SLOTS", "5")
    monkeypatch.setenv("VITASCOPE_METRICS_ADDRESS", "127.0.0.1:9100")
    settings = load()
    assert settings.internal_key == SecretStr("i" * 32)
    assert settings.worker_slots == 5
    assert settings.metrics_address == "127.0.0.1:9100"


def test_wrong_settings_are_reported_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITASCOPE_INTERNAL_KEY", "short")
    monkeypatch.delenv("VITASCOPE_ENCRYPTION_KEY", raising=False)
    monkeypatch.setenv("VITASCOPE_WORKER_SLOTS", "0")
    monkeypatch.setenv("VITASCOPE_DATABASE_URL", "mysql://somewhere")
    with pytest.raises(ValidationError) as caught:
        load()
    faults = {str(error["loc"][0]) for error in caught.value.errors()}
    assert faults == {"internal_key", "encryption_key", "worker_slots", "database_url"}


def test_each_service_has_its_address_and_its_database() -> None:
    settings = make_settings(
        tasks_address="127.0.0.1:1234", database_url="postgresql://me@host/vitascope_{service}"
    )
    assert settings.address_of("tasks") == "127.0.0.1:1234"
    assert settings.address_of("videos") != settings.address_of("tasks")
    assert settings.database_for("videos") == "postgresql://me@host/vitascope_videos"


def test_a_service_is_found_by_its_name_or_by_the_addresses_of_its_replicas() -> None:
    settings = make_settings(
        videos_address="videos:7102", tasks_address="10.0.0.1:7104,10.0.0.2:7104"
    )
    assert settings.target_of("videos") == "videos:7102"
    assert settings.target_of("tasks") == "ipv4:10.0.0.1:7104,10.0.0.2:7104"


def test_every_setting_is_described_and_keys_never_show() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
    assert "long enough" not in repr(make_settings())
