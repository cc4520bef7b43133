"""JSON Schemas of messages, as the codec reads and writes them."""

from collections.abc import Collection, Mapping, Sequence

from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.kinds import (
    ERRORS,
    UNAVAILABLE,
    Catalogue,
    Schema,
    either_of,
    json_name_of,
    parameters_of,
    result_of,
    rules_of,
    store_name_of,
    task_name_of,
)
from gateway.surface import Surface
from services.chassis.comments import comments
from services.chassis.writing import bare_fields
from vitascope.options.v1 import options_pb2

_Field = FieldDescriptor
_INTEGERS = {
    _Field.TYPE_INT32: "int32",
    _Field.TYPE_SINT32: "int32",
    _Field.TYPE_SFIXED32: "int32",
    _Field.TYPE_UINT32: "uint32",
    _Field.TYPE_FIXED32: "uint32",
    _Field.TYPE_INT64: "int64",
    _Field.TYPE_SINT64: "int64",
    _Field.TYPE_SFIXED64: "int64",
    _Field.TYPE_UINT64: "uint64",
    _Field.TYPE_FIXED64: "uint64",
}
_SCALARS: Mapping[int, Schema] = {
    _Field.TYPE_BOOL: {"type": "boolean"},
    _Field.TYPE_DOUBLE: {"type": "number", "format": "double"},
    _Field.TYPE_FLOAT: {"type": "number", "format": "float"},
    _Field.TYPE_STRING: {"type": "string"},
    _Field.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
}


class Schemas:
    """Collects the schemas of one surface's messages, each under its own name.

    What requests may hold and what responses do hold differs in what is required: a message used
    in both has two schemas.
    """

    def __init__(
        self,
        surface: Surface,
        known: Catalogue,
        components: dict[str, Schema],
    ) -> None:
        """What is collected goes into `components`."""
        self._catalogue = known
        self._components = components
        self._closed = surface.refuses_unknown
        self._own: Mapping[str, Schema] = {
            "google.protobuf.Timestamp": dict(surface.time_schema),
            "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?s$"},
            "google.protobuf.Value": {},
            "google.protobuf.Struct": {"type": "object"},
            "google.protobuf.ListValue": {"type": "array"},
        }

    def message(self, descriptor: Descriptor, *, request: bool) -> Schema:
        """Return a schema of the message, a reference for all but google.protobuf's."""
        own = self._own.get(descriptor.full_name)
        if own is not None:
            return dict(own)
        if not request and descriptor.GetOptions().Extensions[options_pb2.bare]:
            forms = [self.field(field, request=False) for field in bare_fields(descriptor)]
            # An answer may look like several of them.
            return forms[0] if len(forms) == 1 else {"anyOf": forms}
        name = component_name(descriptor, request=request)
        if name not in self._components:
            # Taken before it is written: a message may contain itself.
            self._components[name] = {}
            self._components[name] = self._object(descriptor, request=request)
        return {"$ref": f"#/components/schemas/{name}"}

    def field(self, field: FieldDescriptor, *, request: bool) -> Schema:
        """Return the schema of a field with what its comment and its options say."""
        schema = self._plain(field, request=request)
        options = field.GetOptions()
        if field.is_repeated and options.Extensions[options_pb2.single_or_list]:
            schema = {"anyOf": [schema, schema["items"]]}
        if options.Extensions[options_pb2.nullable]:
            schema = {"anyOf": [schema, {"type": "null"}]}
        schema = rules_of(field, {**schema, **_rules(field)})
        if text := comments().get(field.full_name):
            schema["description"] = text
        return schema

    def parameter(self, field: FieldDescriptor) -> Schema:
        """Return the schema of a field as a query string, a path or a header gives it."""
        schema = self.field(field, request=True)
        if "anyOf" in schema and field.is_repeated:
            # A single value in a query string is a list of one already.
            return {**schema.pop("anyOf")[0], **schema}
        return schema

    def body(self, descriptor: Descriptor, elsewhere: Collection[str]) -> Schema:
        """Return the schema of a body; `elsewhere` are the proto names that others give."""
        if not elsewhere:
            return self.message(descriptor, request=True)
        name = component_name(descriptor, request=True)
        if name not in self._components:
            self._components[name] = self._object(descriptor, request=True, without=elsewhere)
        return {"$ref": f"#/components/schemas/{name}"}

    def _plain(self, field: FieldDescriptor, *, request: bool) -> Schema:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            value = field.message_type.fields_by_name["value"]
            values = self._single(value, request=request)
            return {"type": "object", "additionalProperties": values}
        single = self._single(field, request=request)
        return {"type": "array", "items": single} if field.is_repeated else single

    def _single(self, field: FieldDescriptor, *, request: bool) -> Schema:
        match field.GetOptions().Extensions[options_pb2.holds]:
            case "store" if request:
                return self._stores()
            case "error":
                return {"anyOf": ERRORS}
            case "result":
                return self._results(field.containing_type)
        if field.message_type is not None:
            return self.message(field.message_type, request=request)
        if field.enum_type is not None:
            return {"type": "string", "enum": [value.name for value in field.enum_type.values]}
        if field.type in _INTEGERS:
            return {"type": "integer", "format": _INTEGERS[field.type]}
        return dict(_SCALARS[field.type])

    def _object(
        self, descriptor: Descriptor, *, request: bool, without: Collection[str] = ()
    ) -> Schema:
        flat = any(_is_flat(field) for field in descriptor.fields)
        kinds = self._catalogue.kinds.get(descriptor.file.package)
        if request and flat and kinds:
            return self._definition(descriptor, kinds)
        named = [
            field
            for field in descriptor.fields
            if not _is_flat(field) and field.name not in without
        ]
        schema = _described(descriptor, {"type": "object"})
        schema["properties"] = {
            json_name_of(field): self.field(field, request=request) for field in named
        }
        required = [
            json_name_of(field)
            for field in named
            if (is_needed(field) if request else not field.has_presence)
        ]
        if required:
            schema["required"] = required
        if request and self._closed and not flat:
            schema["additionalProperties"] = False
        return schema

    def _definition(self, descriptor: Descriptor, kinds: Sequence[Descriptor]) -> Schema:
        """One branch a task kind: the definition's own keys and the kind's beside each other."""
        shared = {
            json_name_of(field): self.field(field, request=True)
            for field in descriptor.fields
            if not _is_flat(field)
        }
        mapping = {}
        for kind in kinds:
            task_name = task_name_of(kind)
            name = component_name(kind, request=True)
            schema = self._branch(kind, shared | {"task_name": {"const": task_name}})
            schema["required"].insert(0, "task_name")
            if task_name in self._catalogue.unavailable:
                schema["description"] = f"{schema['description']} {UNAVAILABLE}"
            self._components[name] = {**schema, "title": task_name, **either_of(kind)}
            mapping[task_name] = f"#/components/schemas/{name}"
        return {
            **_described(descriptor, {}),
            "oneOf": [{"$ref": reference} for reference in mapping.values()],
            "discriminator": {"propertyName": "task_name", "mapping": mapping},
        }

    def _branch(self, form: Descriptor, beside: Mapping[str, Schema]) -> Schema:
        """An object that holds the parameters of a message, and the keys beside them."""
        own = {
            json_name_of(field): self.field(field, request=True) for field in parameters_of(form)
        }
        return {
            **_described(form, {"type": "object"}),
            "properties": {**beside, **own},
            "required": [json_name_of(field) for field in parameters_of(form) if is_needed(field)],
            "additionalProperties": False,
        }

    def _stores(self) -> Schema:
        """What `task_store` may be: its type says which parameters it has; it may have none."""
        location = {"description": "Taken and ignored."}
        nowhere = {"properties": {"location": location}, "additionalProperties": False}
        branches: list[Schema] = [{"type": "object", **nowhere}]
        for store in self._catalogue.stores:
            named = {"type": {"const": store_name_of(store)}, "location": location}
            branch = self._branch(store, named)
            branches.append({**branch, "required": ["type", *branch["required"]]})
        return {"oneOf": branches}

    def _results(self, status: Descriptor | None) -> Schema:
        """What the result in a status may be, by the kinds of the status' version."""
        assert status is not None  # noqa: S101 -- only extensions are in no message
        kinds = self._catalogue.kinds.get(status.file.package, ())
        results = [self.message(result_of(kind), request=False) for kind in kinds]
        # Where errors have no field of their own they stand here.
        says_errors = "error" not in status.fields_by_name
        return {"anyOf": [*results, *(ERRORS if says_errors else ())]}


def component_name(descriptor: Descriptor, *, request: bool) -> str:
    """Return the schema's name: the message's without the suite's, `.in` where it is asked for."""
    name = descriptor.full_name.removeprefix("vitascope.")
    told_by_name = name.endswith(("Request", "Spec"))
    return f"{name}.in" if request and not told_by_name else name


def _described(descriptor: Descriptor, schema: Schema) -> Schema:
    text = comments().get(descriptor.full_name)
    return {**schema, "description": text} if text else schema


def _is_flat(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().Extensions[options_pb2.flatten])


def is_needed(field: FieldDescriptor) -> bool:
    """Return whether a request must give the field."""
    options = field.GetOptions()
    rules = options.Extensions[validate_pb2.field]
    return bool(
        options.Extensions[options_pb2.parameter].required
        or rules.string.min_len
        or rules.repeated.min_items
    )


def _rules(field: FieldDescriptor) -> Schema:
    rules = field.GetOptions().Extensions[validate_pb2.field]
    limits = {
        "minLength": rules.string.min_len,
        "maxLength": rules.string.max_len,
        "minItems": rules.repeated.min_items,
        "maxItems": rules.repeated.max_items,
        "enum": list(getattr(rules.string, "in")),
        "minimum": rules.int32.gte,
        "maximum": rules.int32.lte,
    }
    return {name: limit for name, limit in limits.items() if limit}
