"""Where the files of a task go: `task_store` of its definition."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from google.protobuf.message import Message

from services.tasks.api.versions import Version
from services.tasks.kinds import Kind
from services.tasks.specs import read_form
from services.tasks.stores import Store
from vitascope.media.v1 import internal_pb2

VOLATILE = timedelta(days=7)
# Clients send it; the original service knew what for.
IGNORED = "location"


def read_store(
    version: Version, given: Mapping[str, Any], kind: Kind | None
) -> tuple[Store | None, Message | None, list[str]]:
    """Return the store that a definition asks for, its parameters, and all that is wrong.

    The files of a task of unknown kind are unknown too: then nothing is said about them.
    """
    asked = given.get("type")
    name = version.default_store if asked is None else asked
    store = version.stores.get(name) if isinstance(name, str) else None
    if store is None:
        return None, None, [f"type must be one of: {', '.join(version.stores)}"]
    own = {name: each for name, each in given.items() if name not in ("type", IGNORED)}
    message, problems = read_form(store.form, own)
    said = [f"{name}: {each}" for name, what in problems.items() for each in what]
    if kind and (why_not := store.refuses(kind.makes)):
        said.append(why_not)
    return store, message, said


def destination_of(
    store: Store, message: Message, account_id: str, stored_bytes: int
) -> internal_pb2.Destination:
    """Return the place that a store, with its parameters, is to an account.

    `stored_bytes` is how much the account may have stored; 0 for as much as it likes.
    """
    destination = internal_pb2.Destination()
    if store.name in ("persistent", "volatile"):
        destination.account.account_id = account_id
        destination.account.stored_bytes = stored_bytes
        if store.name == "volatile":
            destination.account.lifetime.FromTimedelta(VOLATILE)
        return destination
    place = getattr(destination, store.name)
    place.SetInParent()
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.is_repeated:
            getattr(place, field.name).extend(value)
        elif message.HasField(field.name) or field.has_default_value:
            setattr(place, field.name, value)
    return destination
