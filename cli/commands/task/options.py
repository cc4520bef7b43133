"""The parameters of a kind of task as options of a command."""

import inspect
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

import typer

from cli.kinds import Kind, Parameter


def options_of(kind: Kind) -> Iterator[inspect.Parameter]:
    """Yield the kind's parameters as those of a function that typer makes a command of."""
    for each in kind.parameters:
        option = typer.Option(
            help=f"{each.about} {each.rules}".strip(),
            min=each.minimum,
            max=each.maximum,
            rich_help_panel=f"Parameters of {kind.name}",
        )
        default = str(each.default) if each.choices and each.default is not None else each.default
        yield inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=Annotated[_type(each) if each.required else _type(each) | None, option],
            default=inspect.Parameter.empty if each.required else default,
        )


def _type(parameter: Parameter) -> Any:
    """Return the type by which the option is read; choices are texts until `typed`."""
    if parameter.choices:
        return Literal[parameter.choices]
    plain = {"string": str, "boolean": bool, "integer": int, "number": float}[parameter.type]
    return list[plain] if parameter.many else plain  # type: ignore[valid-type]


def typed(parameter: Parameter, value: Any) -> Any:
    """Return the value of an option as the task takes it."""
    return int(value) if parameter.type == "integer" and isinstance(value, str) else value


def spelling_of(kind: Kind) -> Callable[[str], str]:
    """Return what makes `video_bitrate`, as the documents write it, `video-bitrate`."""
    names = {each.name for each in kind.parameters}
    return lambda token: token.replace("_", "-") if token in names else token
