"""TLS by settings: versions, protocols, headers."""

import json
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest

from tests.gateway.test_sockets import gateway_process
from tests.kit.certificates import self_signed
from tests.kit.servers import absent, free_port, listens
from tests.kit.waiting import wait_for


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def port(certificate: tuple[Path, Path]) -> Iterator[int]:
    """The port of a gateway process that speaks TLS."""
    number = free_port()
    settings = {
        "VITASCOPE_TLS_CERTIFICATE": str(certificate[0]),
        "VITASCOPE_TLS_KEY": str(certificate[1]),
    }
    with gateway_process(number, settings):
        wait_for(lambda: listens(number), seconds=30, what="the gateway")
        yield number


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate)


def test_answers_over_tls_tell_to_stay_with_it(port: int, certificate: tuple[Path, Path]) -> None:
    with httpx.Client(verify=trusting(certificate[0])) as client:
        answer = client.get(f"https://127.0.0.1:{port}/openapi.json")
    assert answer.status_code == 200
    assert answer.http_version == "HTTP/1.1"
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert answer.headers["server"] == "vitascope"


@pytest.mark.parametrize(
    ("offered", "taken"), [(["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), ([], None)]
)
def test_the_protocol_is_negotiated(
    port: int, certificate: tuple[Path, Path], offered: list[str], taken: str | None
) -> None:
    context = trusting(certificate[0])
    if offered:
        context.set_alpn_protocols(offered)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        secure = context.wrap_socket(plain, server_hostname="127.0.0.1")
        assert secure.selected_alpn_protocol() == taken
        assert secure.version() == "TLSv1.3"
        secure.close()


@pytest.mark.parametrize(
    ("version", "works"), [(ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_1, False)]
)
def test_old_versions_are_refused(
    port: int, certificate: tuple[Path, Path], version: ssl.TLSVersion, works: bool
) -> None:
    context = trusting(certificate[0])
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with nullcontext() if works else pytest.warns(DeprecationWarning, match="deprecated"):
        context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        if not works:
            with pytest.raises(ssl.SSLError):
                context.wrap_socket(plain, server_hostname="127.0.0.1")
            return
        secure = context.wrap_socket(plain, server_hostname="127.0.0.1")
        assert secure.version() == "TLSv1.2"
        secure.close()


def test_http_2_carries_bodies_and_refusals(port: int, certificate: tuple[Path, Path]) -> None:
    curl = shutil.which("curl")
    if curl is None or "HTTP2" not in subprocess.check_output([curl, "--version"], text=True):
        absent("curl with HTTP/2 is not installed")
    common = [curl, "--silent", "--http2", "--cacert", str(certificate[0]), "--max-time", "20"]
    common += ["--write-out", "\n%{http_version} %{http_code}"]
    base = f"https://127.0.0.1:{port}"
    told = subprocess.check_output([*common, f"{base}/openapi.json"], text=True)
    document, _, status = told.rpartition("\n")
    assert status == "2 200"
    assert json.loads(document)["openapi"].startswith("3.1")
    large = [*common, "--header", "x-large: " + "a" * 40_000, f"{base}/openapi.json"]
    assert subprocess.check_output(large, text=True).endswith("\n2 431")
    post = [*common, "--data-binary", "{", f"{base}/accounts/v1/token"]
    assert subprocess.check_output(post, text=True).rpartition("\n")[2].startswith("2 4")


def test_a_certificate_needs_its_key(certificate: tuple[Path, Path]) -> None:
    settings = {"VITASCOPE_TLS_CERTIFICATE": str(certificate[0])}
    with gateway_process(free_port(), settings) as process:
        assert process.wait(20) != 0


def test_plain_http_promises_no_tls() -> None:
    number = free_port()
    with gateway_process(number) as process:
        wait_for(lambda: listens(number), seconds=30, what="the gateway")
        answer = httpx.get(f"http://127.0.0.1:{number}/openapi.json")
        assert "strict-transport-security" not in answer.headers
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
