"""`vitascope task` against a running suite."""

import json
import os
import pty
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from cli.main import app
from tests.kit.clips import CLIPS
from tests.kit.servers import free_port
from tests.kit.suite import PASSWORD, VITASCOPE, Suite
from tests.kit.web import served

PICTURE = CLIPS / "bunny_sideways.jpg"
ADA, GRACE = "ada@example.org", "grace@example.org"


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    with Suite(tmp_path_factory.mktemp("task")) as suite:
        suite.run("users", "add", "--email", ADA, "--password", PASSWORD)
        yield suite


@pytest.fixture(scope="module")
def picture() -> Iterator[str]:
    with served(PICTURE.parent) as address:
        yield f"{address}/{PICTURE.name}"


def vitascope(*arguments: str, **environment: str) -> Result:
    """Run `vitascope task` in this process."""
    names = {"VITASCOPE_URL": None, "VITASCOPE_SECRET": None, "COLUMNS": "200"}
    return CliRunner().invoke(app, ["task", *arguments], env={**names, **environment})


def told(done: Result) -> str:
    """Return what a command said when it failed as it should: a sentence."""
    assert isinstance(done.exception, SystemExit), done.exception
    assert (done.exit_code, done.stdout) == (1, "")
    return done.stderr.strip()


def thumb(suite: Suite, url: str, *more: str) -> Result:
    data = ("--data", str(suite.data))
    return vitascope("run", "image.thumb", *data, "--url", url, "--width", "200", *more)


def test_the_file_is_the_picture_that_was_asked_for(
    suite: Suite, picture: str, tmp_path: Path
) -> None:
    path = tmp_path / "out.jpg"
    done = thumb(suite, picture, "--height", "120", "--crop", "-o", str(path))
    assert done.exit_code == 0, done.stderr
    assert f"saved {path}" in done.stdout
    assert "original width" in done.stdout
    with Image.open(path) as made, Image.open(PICTURE) as original:
        assert (made.format, made.size) == ("JPEG", (200, 120))
        made.load()
        assert original.size != made.size


@pytest.mark.parametrize("wanted", ["{}/made/", "output={}/made/"])
def test_into_a_folder_a_file_goes_by_its_name_and_type(
    suite: Suite, picture: str, tmp_path: Path, wanted: str
) -> None:
    done = thumb(suite, picture, "--format", "png", "--json", "-o", wanted.format(tmp_path))
    assert done.exit_code == 0, done.stderr
    status = json.loads(done.stdout)
    assert (status["status"], status["result"]["width"]) == ("success", 200)
    assert status["saved"] == {"output": f"{tmp_path}/made/output.png"}
    with Image.open(tmp_path / "made" / "output.png") as made:
        assert (made.format, made.width) == ("PNG", 200)


def test_a_task_is_left_and_watched_with_others(suite: Suite, picture: str) -> None:
    good = thumb(
        suite, picture, "--no-wait", "--store", "volatile", "--callback", "http://a.example/"
    )
    bad = thumb(suite, f"{picture}.none", "--no-wait", "--json", "--store", '{"type": "volatile"}')
    assert (good.exit_code, bad.exit_code) == (0, 0), good.stderr + bad.stderr
    keys = [good.stdout.strip(), json.loads(bad.stdout)["key"]]
    watched = vitascope("watch", *keys, VITASCOPE_URL=suite.url)
    assert watched.exit_code == 1, "one ended badly"
    last = {line.split()[0]: line.split()[1] for line in watched.stdout.splitlines()}
    assert last == {keys[0]: "success", keys[1]: "error"}
    lines = vitascope("watch", keys[0], "--json", "--data", str(suite.data))
    assert lines.exit_code == 0
    status = json.loads(lines.stdout.splitlines()[-1])
    assert (status["key"], status["status"]) == (keys[0], "success")


def test_whoever_looks_sees_a_bar(suite: Suite, picture: str, tmp_path: Path) -> None:
    shown, terminal = pty.openpty()
    arguments = ["--data", str(suite.data), "--url", picture, "-o", str(tmp_path / "out.jpg")]
    done = subprocess.run(
        [*VITASCOPE, "task", "run", "image.thumb", *arguments],
        stdout=subprocess.PIPE,
        stderr=terminal,
        env={"COLUMNS": "100", "PATH": "", "TERM": "xterm"},
        check=False,
        timeout=60,
    )
    os.close(terminal)
    drawn = _all_of(shown)
    os.close(shown)
    assert (done.returncode, b"saved" in done.stdout) == (0, True), drawn
    assert all(part in drawn for part in ("image.thumb", "success", "100%", "saving")), drawn


def test_who_leaves_is_told_how_to_come_back(suite: Suite, picture: str) -> None:
    shown, terminal = pty.openpty()
    worker = suite.part("services.media.worker")
    worker.suspend()
    process = subprocess.Popen(
        [*VITASCOPE, "task", "run", "image.info", "--data", str(suite.data), "--url", picture],
        stderr=terminal,
        env={"COLUMNS": "200", "PATH": "", "TERM": "xterm"},
    )
    os.close(terminal)
    try:
        # The stopped worker may have been given it before anything is drawn.
        drawn = _all_of(shown, until="queued|executing")
        process.send_signal(signal.SIGINT)
        drawn += _all_of(shown)
        assert process.wait(60) == 130, drawn
    finally:
        worker.resume()
        os.close(shown)
    found = re.search(f"vitascope task watch --server {suite.url} ([A-Z2-7]{{26}})", drawn)
    assert found, drawn
    assert vitascope("watch", "--server", suite.url, found[1]).exit_code == 0


def _all_of(terminal: int, until: str = "nothing that is drawn") -> str:
    """Return what was drawn, to its end or until what an expression tells is among it."""
    drawn = ""
    try:
        while not re.search(until, drawn):
            drawn += os.read(terminal, 65536).decode(errors="replace")
    except OSError:
        pass  # that is how a terminal ends whose other side is closed
    return drawn


def test_what_fails_says_why(suite: Suite, picture: str, tmp_path: Path) -> None:
    path = tmp_path / "out.jpg"
    assert "404" in told(thumb(suite, f"{picture}.none", "-o", str(path)))
    assert told(thumb(suite, "")) == "url: this field is required"
    assert "task_store: " in told(thumb(suite, picture, "--store", "nowhere"))
    assert "the server refuses, by the secret" in told(thumb(suite, picture, "--secret", "wrong"))
    assert not path.exists()
    missing = thumb(suite, picture, "--data", str(tmp_path))
    assert f"vitascope up --data {tmp_path}" in told(missing)
    assert "VITASCOPE_URL" in told(vitascope("run", "image.info", "--url", picture))
    nobody = f"http://127.0.0.1:{free_port()}"
    assert f"nobody answers at {nobody}" in told(vitascope("watch", "A", "--server", nobody))
    no_secret = vitascope("run", "image.info", "--url", picture, "--server", suite.url)
    assert "VITASCOPE_SECRET" in told(no_secret)
    unknown = vitascope("watch", "A" * 26, "--server", suite.url)
    assert (unknown.exit_code, "there is no task with this ID" in unknown.stdout) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("image.thumb", "--url", "x", "--width", "0"), "--width"),
        (("image.thumb", "--url", "x", "--format", "bmp"), "'jpeg', 'gif', 'png'"),
        (("image.thumb",), "Missing option '--url'"),
        (("image.info", "--url", "x", "-o", "out"), "image.info makes no files"),
        (("video.create", "--definition", "x", "-o", "out"), "makes preview, export, thumbnail"),
        (("image.thumb", "--url", "x", "-o", "out", "--no-wait"), "--no-wait does not"),
        (("image.thumb", "--url", "x", "--store", "{"), "is no JSON"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_done(
    arguments: tuple[str, ...], sentence: str
) -> None:
    done = vitascope("run", *arguments)
    assert done.exit_code == 2
    assert sentence in " ".join(done.stderr.split())


def test_the_secret_of_a_folder_is_made_once_and_for_its_owner(suite: Suite, picture: str) -> None:
    info = ("run", "image.info", "--url", picture, "--data", str(suite.data), "--json")
    assert vitascope(*info).exit_code == 0
    kept = suite.data / "task-secrets.json"
    before = kept.read_text()
    assert (list(json.loads(before)), kept.stat().st_mode & 0o777) == ([ADA], 0o600)
    assert vitascope(*info).exit_code == 0
    assert kept.read_text() == before
    suite.run("users", "add", "--email", GRACE, "--password", PASSWORD)
    assert vitascope(*info, "--email", GRACE).exit_code == 0
    assert list(json.loads(kept.read_text())) == [ADA, GRACE]
    assert f"name one with --email: {ADA}, {GRACE}" in told(vitascope(*info))
