"""Path variables, query parameters and headers into request messages."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gateway.codec import Codec, refusal_of_mismatch
from gateway.exchange import Exchange
from gateway.problems import bad_request
from gateway.scalars import Mismatch, from_text
from gateway.templates import Template
from vitascope.options.v1 import options_pb2

MAX_PARAMETERS = 2000
_TEXT_MESSAGES = {
    "google.protobuf.Value",
    "google.protobuf.Timestamp",
    "google.protobuf.Duration",
}
_FillTexts = Callable[[Message, list[str]], None]


@dataclass(frozen=True)
class Leaf:
    """A field that text can fill: `name` is its path of JSON names, `path` of proto names."""

    name: str
    path: tuple[str, ...]
    field: FieldDescriptor


def leaves(descriptor: Descriptor, above: tuple[FieldDescriptor, ...] = ()) -> Iterator[Leaf]:
    """Yield what text can fill in a message, nested fields as `a.b`."""
    for field in descriptor.fields:
        chain = (*above, field)
        inner = field.message_type
        if inner is None or inner.full_name in _TEXT_MESSAGES:
            name = ".".join(each.json_name for each in chain)
            yield Leaf(name, tuple(each.name for each in chain), field)
        elif _nests(field, chain):
            yield from leaves(inner, chain)


def _nests(field: FieldDescriptor, chain: Sequence[FieldDescriptor]) -> bool:
    inner = field.message_type
    foreign = inner is None or inner.full_name.startswith("google.")
    recursive = any(inner is each.containing_type for each in chain)
    return not (field.is_repeated or foreign or recursive)


def query_leaves(descriptor: Descriptor, template: Template, body: str) -> list[Leaf]:
    """Return what the query may fill: all that neither path nor body nor a header fills."""
    taken: Collection[tuple[str, ...]] = {variable.path for variable in template.variables}
    return [
        leaf
        for leaf in leaves(descriptor)
        if leaf.path not in taken and leaf.path[0] != body and not header_of(leaf.field)
    ]


def header_of(field: FieldDescriptor) -> str:
    """Return the lower-case name of the header that fills the field; empty when none does."""
    name: str = field.GetOptions().Extensions[options_pb2.header]
    return name


def path_binder(
    codec: Codec, descriptor: Descriptor, template: Template
) -> Callable[[Sequence[str], Message], None]:
    """Return what fills a message from percent-encoded path segments. It raises Refusal."""
    by_path = {leaf.path: leaf for leaf in leaves(descriptor)}
    fills = [
        (variable, by_path[variable.path].name, _filler(codec, by_path[variable.path]))
        for variable in template.variables
    ]

    def bind(segments: Sequence[str], message: Message) -> None:
        for variable, name, fill in fills:
            try:
                fill(message, [variable.value(segments)])
            except UnicodeDecodeError:
                raise bad_request("The path is not UTF-8") from None
            except Mismatch as mismatch:
                raise refusal_of_mismatch(mismatch.inside(name), "path") from None

    return bind


def query_binder(
    codec: Codec, descriptor: Descriptor, allowed: Sequence[Leaf]
) -> Callable[[bytes, Message], None]:
    """Return what fills a message from a query string. It raises Refusal."""
    fills: dict[str, _FillTexts] = {}
    for leaf in allowed:
        fills[leaf.name] = fills[".".join(leaf.path)] = _filler(codec, leaf)
    unknown = codec.reader.unknown(descriptor)

    def bind(query: bytes, message: Message) -> None:
        for name, texts in _parsed(query).items():
            fill = fills.get(name)
            try:
                if fill is not None:
                    fill(message, texts)
                else:
                    unknown(message, name, texts[0] if len(texts) == 1 else texts)
            except Mismatch as mismatch:
                raise refusal_of_mismatch(mismatch.inside(name), "query") from None

    return bind


def header_binder(codec: Codec, descriptor: Descriptor) -> Callable[[Exchange, Message], None]:
    """Return what fills the fields with a `header` option. It raises Refusal."""
    fills = [
        (header, _filler(codec, Leaf(field.json_name, (field.name,), field)))
        for field in descriptor.fields
        if (header := header_of(field))
    ]

    def bind(exchange: Exchange, message: Message) -> None:
        for header, fill in fills:
            if header in exchange.headers:
                try:
                    fill(message, [_decoded(exchange.headers[header])])
                except Mismatch as mismatch:
                    raise refusal_of_mismatch(mismatch.inside(header), "header") from None

    return bind


def _filler(codec: Codec, leaf: Leaf) -> _FillTexts:
    fill = codec.reader.field(leaf.field)
    json_of = from_text(leaf.field)
    inner = leaf.field.message_type
    anything = inner is not None and inner.full_name == "google.protobuf.Value"
    above = leaf.path[:-1]

    def fill_texts(message: Message, texts: list[str]) -> None:
        for name in above:
            message = getattr(message, name)
        value: Any = [json_of(text) for text in texts]
        if not leaf.field.is_repeated and len(texts) == 1:
            value = value[0]
        elif not (leaf.field.is_repeated or anything):
            raise Mismatch("is given twice")
        fill(message, value)

    return fill_texts


def _parsed(query: bytes) -> dict[str, list[str]]:
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except UnicodeError:
        raise bad_request("The query is not percent-encoded UTF-8") from None
    except ValueError:
        raise bad_request(f"There are more than {MAX_PARAMETERS} query parameters") from None
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _decoded(text: str) -> str:
    """Return a header value that is UTF-8 on the wire. Raises a 400 Refusal for other bytes."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeDecodeError:
        raise bad_request("A header is not UTF-8") from None
