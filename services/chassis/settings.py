"""Every setting of every process, read from `VITASCOPE_*` environment variables.

The configuration table of the README is generated from the descriptions below.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Service = Literal["accounts", "videos", "media", "tasks"]

TEBIBYTE = 2**40
GIBIBYTE = 2**30
MEBIBYTE = 2**20
YOUTUBE = "https://www.googleapis.com"


class Settings(BaseSettings):
    """Settings of one process. Wrong ones fail at start, all faults together."""

    model_config = SettingsConfigDict(env_prefix="VITASCOPE_", frozen=True)

    internal_key: SecretStr = Field(
        min_length=32,
        description="Signs what the services say to each other, and links to files; "
        "keep it secret.",
    )
    encryption_key: SecretStr = Field(
        min_length=32, description="Encrypts private keys in the accounts database; keep it secret."
    )
    database_url: str = Field(
        default="sqlite:///data/{service}.sqlite",
        pattern=r"^(sqlite|postgresql)://",
        description="Where state lives; `{service}` becomes the service's name. "
        "`sqlite:///FILE` or `postgresql://USER@HOST/NAME`.",
    )
    storage_url: str = Field(
        default="file:///var/lib/vitascope/storage",
        pattern=r"^(file|s3)://",
        description="Where bytes live: `file:///FOLDER` or `s3://BUCKET?endpoint=..&region=..`; "
        "S3 keys may come from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.",
    )
    kafka_servers: str = Field(
        default="127.0.0.1:9092", description="Kafka brokers, `HOST:PORT`, separated by commas."
    )
    accounts_address: str = Field(
        default="127.0.0.1:7101",
        description="`HOST:PORT` of the accounts service. Callers of this and of the next three "
        "may be given a HOST that stands for several replicas, or `IP:PORT,IP:PORT`.",
    )
    videos_address: str = Field(
        default="127.0.0.1:7102", description="`HOST:PORT` of the videos service."
    )
    media_address: str = Field(
        default="127.0.0.1:7103", description="`HOST:PORT` of the media service."
    )
    tasks_address: str = Field(
        default="127.0.0.1:7104", description="`HOST:PORT` of the tasks service."
    )
    http_address: str = Field(
        default="127.0.0.1:8080", description="`HOST:PORT` on which the gateway answers."
    )
    public_url: str = Field(
        default="http://127.0.0.1:8080",
        pattern=r"^https?://.*[^/]$",
        description="How the world reaches the gateway; no slash at the end.",
    )
    tls_certificate: Path | None = Field(
        default=None,
        description="PEM file with the gateway's certificate and its chain: with `tls_key`, the "
        "gateway speaks TLS (HTTP/1.1 and HTTP/2) only; none is plain HTTP.",
    )
    tls_key: Path | None = Field(
        default=None, description="PEM file with the private key of `tls_certificate`."
    )
    trusted_proxies: str | None = Field(
        default=None,
        description="Networks (`10.0.0.0/8`, separated by commas) of the proxies whose "
        "`X-Forwarded-For` the gateway believes.",
    )
    metrics_address: str | None = Field(
        default=None, description="`HOST:PORT` of the process's Prometheus endpoint; none is off."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe log line that is written."
    )
    otlp_endpoint: str | None = Field(
        default=None,
        description="OpenTelemetry collector for traces (needs the `tracing` extra); none is off.",
    )
    scratch_dir: Path = Field(
        default=Path("data/scratch"), description="Folder for the worker's temporary files."
    )
    worker_slots: int = Field(
        default=2, ge=1, description="Items of work that one worker runs at once."
    )
    worker_id: str | None = Field(
        default=None, description="The worker's name, unique among workers; made up when absent."
    )
    worker_drain_seconds: float = Field(
        default=30,
        ge=0,
        description="How long a worker that is told to stop may finish what it runs, in seconds.",
    )
    allow_loopback_sources: bool = Field(
        default=False,
        description="Whether tasks may read URLs on this machine and send files and calls to them; "
        "for tests and demonstrations.",
    )
    youtube_url: str = Field(
        default=YOUTUBE,
        description="Where YouTube's Data API is, without a slash at the end; your proxy to it may "
        "be on a private network.",
    )
    max_upload_bytes: int = Field(
        default=TEBIBYTE, ge=1, description="The largest upload, in bytes."
    )
    orphan_seconds: int = Field(
        default=86_400,
        ge=3600,
        description="Seconds after which a stored object that no record knows is deleted; longer "
        "than the longest outage that work should survive.",
    )
    work_retention_days: float = Field(
        default=7,
        gt=0,
        description="Days for which ended work, and the tasks that it was, can be asked for.",
    )
    max_source_bytes: int = Field(
        default=64 * GIBIBYTE, ge=1, description="The largest file that a task reads, in bytes."
    )
    request_body_limit: int = Field(
        default=4 * MEBIBYTE, ge=1, description="The largest JSON request body, in bytes."
    )

    account_tasks_in_flight: int = Field(
        default=0,
        ge=0,
        description="Tasks of one account that may wait or run at once; 0 is no limit. This and "
        "the next three hold for accounts without limits of their own (`vitascope limits set`).",
    )
    account_tasks_per_minute: int = Field(
        default=0, ge=0, description="Tasks that one account may create in a minute; 0 is no limit."
    )
    account_stored_bytes: int = Field(
        default=0, ge=0, description="Bytes that one account may store; 0 is no limit."
    )
    account_requests_per_minute: int = Field(
        default=0,
        ge=0,
        description="Requests a minute that each process takes from one account; 0 is no limit.",
    )

    def address_of(self, service: Service) -> str:
        """Return the `HOST:PORT` where the service listens and where others find it."""
        return {
            "accounts": self.accounts_address,
            "videos": self.videos_address,
            "media": self.media_address,
            "tasks": self.tasks_address,
        }[service]

    def target_of(self, service: Service) -> str:
        """Return where gRPC finds the service, whichever of its replicas answers."""
        address = self.address_of(service)
        return f"ipv4:{address}" if "," in address else address

    def database_for(self, service: Service) -> str:
        """Return the URL of the service's own database."""
        return self.database_url.replace("{service}", service)


def load() -> Settings:
    """Read the settings from the environment. Raises ValidationError that names every fault."""
    return Settings.model_validate({})
