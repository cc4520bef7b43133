"""The reference of the kinds of tasks, and the options that follow from it."""

import inspect
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.commands.task.run import run
from cli.kinds import kinds
from cli.main import app
from cli.reference import markdown

REFERENCE = Path(__file__).parents[2] / "docs" / "tasks-reference.md"

# What the documents say, for one kind with all that a parameter can have.
THUMB = """\
| parameter | type | default | meaning |
|---|---|---|---|
| `url` | string | required | Address of the image. |
"""


def test_the_committed_reference_is_up_to_date() -> None:
    made = markdown(list(kinds().values()))
    hint = "run `vitascope task list --markdown > docs/tasks-reference.md`"
    assert REFERENCE.read_text() == f"{made}\n", hint


def test_the_reference_has_defaults_choices_ranges_and_files() -> None:
    chapter = markdown([kinds()["image.thumb"]])
    assert THUMB in chapter
    assert "| `crop` | boolean | `false` |" in chapter
    assert "One of 0, 90, 180, 270. |" in chapter
    assert "From 1 to 16384. |" in chapter
    assert "| `output` | string |" in chapter


def test_what_only_v1_knows_is_not_told() -> None:
    names = {parameter.name for parameter in kinds()["video.reverse"].parameters}
    assert "gop" in names
    assert "audio_codec" not in names


@pytest.mark.parametrize("kind", kinds())
def test_no_parameter_has_the_name_of_an_option_of_all_kinds(kind: str) -> None:
    parameters = {parameter.name for parameter in kinds()[kind].parameters}
    own = {name for name in inspect.signature(run).parameters if name != "kind"}
    assert not parameters & (own | {"json", "help"})


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_has_a_help_with_all_its_parameters(kind: str) -> None:
    shown = vitascope("run", kind, "--help")
    for parameter in kinds()[kind].parameters:
        assert f"--{parameter.name.replace('_', '-')} " in shown


def test_the_list_needs_no_server() -> None:
    assert all(kind in vitascope("list") for kind in kinds())
    assert "original_width" in vitascope("list", "image.thumb")
    assert "image.thumb, " in vitascope("list", "image.thumbs", status=2)
    listed = json.loads(vitascope("list", "--json"))
    assert [each["task_name"] for each in listed] == list(kinds())
    [thumb] = json.loads(vitascope("list", "image.thumb", "--json"))
    width = next(each for each in thumb["parameters"] if each["name"] == "width")
    assert (width["type"], width["minimum"], width["required"]) == ("integer", 1, False)


def vitascope(*arguments: str, status: int = 0) -> str:
    done = CliRunner().invoke(app, ["task", *arguments], env={"COLUMNS": "200"})
    assert done.exit_code == status, done.output
    return done.output
