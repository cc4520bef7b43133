"""The README's table of settings is the one that the settings make."""

from pathlib import Path

from cli.settings_table import markdown

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_is_up_to_date() -> None:
    assert markdown() in README.read_text(), "paste what `vitascope settings` prints"
