"""The table of settings in the README, made from the settings themselves."""

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from services.chassis.settings import Settings


def markdown() -> str:
    """All settings as a Markdown table: environment variable, default, meaning."""
    rows = [
        f"| `VITASCOPE_{name.upper()}` | {_default(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


def _default(field: FieldInfo) -> str:
    if field.is_required() or isinstance(field.default, SecretStr):
        return "required"
    return "none" if field.default is None else f"`{field.default}`"
