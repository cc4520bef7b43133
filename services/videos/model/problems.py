"""Collects everything that is wrong with a request, to say it all at once."""

from services.chassis.errors import Invalid, Violation


class Problems:
    """What is wrong, by the field's path in the request's JSON.

    A field's first problem stays, and what is wrong inside of a field comes before
    what is wrong with the whole of it.
    """

    def __init__(self) -> None:
        self._found: dict[str, Violation] = {}

    def add(self, field: str, description: str) -> None:
        """Note that `field` is wrong."""
        if not any(f"{known}.".startswith(f"{field}.") for known in self._found):
            self._found[field] = Violation(field=field, description=description)

    def refuse(self) -> None:
        """Raise Invalid when anything is wrong, naming every field in the message."""
        if self._found:
            violations = tuple(self._found.values())
            message = "; ".join(f"{each.field}: {each.description}" for each in violations)
            raise Invalid(message, violations=violations)
