"""Which RPC answers which HTTP request: read from descriptors, found by a trie of segments."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import ModuleType

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import FileDescriptor, MethodDescriptor

from gateway.templates import ONE, REST, Template, parse
from vitascope.options.v1 import options_pb2


@dataclass(frozen=True)
class Route:
    """One HTTP binding of an RPC. `body` and `response_body` are as in `google.api.HttpRule`.

    `any_origin` says whether pages of any site may call it, `acts` that it does more than read,
    whatever the method: then it has no HEAD.
    """

    http_method: str
    template: Template
    body: str
    response_body: str
    rpc: MethodDescriptor
    any_origin: bool = False
    acts: bool = False


@dataclass(frozen=True)
class NoRoute:
    """No route has this path; or, when `allowed` is not empty, none for this method."""

    allowed: tuple[str, ...] = ()


@dataclass
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    one: "_Node | None" = None
    leaves: dict[str | None, dict[str, Route]] = field(default_factory=dict)
    rest: dict[str | None, dict[str, Route]] = field(default_factory=dict)


def files_of(package: ModuleType) -> list[FileDescriptor]:
    """Import every generated module below a package; return their file descriptors by name."""
    found = {}
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if module.name.endswith("_pb2"):
            descriptor: FileDescriptor = importlib.import_module(module.name).DESCRIPTOR
            found[descriptor.name] = descriptor
    return [found[name] for name in sorted(found)]


def routes_of(files: Iterable[FileDescriptor]) -> Iterator[Route]:
    """Yield the routes of every RPC with `google.api.http`, additional bindings included."""
    for file in files:
        for service in file.services_by_name.values():
            for rpc in service.methods:
                options = rpc.GetOptions()
                if options.HasExtension(annotations_pb2.http):
                    rule = options.Extensions[annotations_pb2.http]
                    for binding in (rule, *rule.additional_bindings):
                        yield _route(rpc, binding)


def _route(rpc: MethodDescriptor, rule: http_pb2.HttpRule) -> Route:
    pattern = rule.WhichOneof("pattern")
    if pattern is None:
        raise ValueError(f"{rpc.full_name} has an http rule without a path")
    if pattern == "custom":
        method, path = rule.custom.kind, rule.custom.path
    else:
        method, path = pattern.upper(), getattr(rule, pattern)
    options = rpc.GetOptions().Extensions
    return Route(
        method,
        parse(path),
        rule.body,
        rule.response_body,
        rpc,
        any_origin=options[options_pb2.any_origin],
        acts=options[options_pb2.acts],
    )


class RouteTable:
    """Finds routes: literals before `*` before `**`, whatever their number."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Raises ValueError when two routes answer the same requests."""
        self._root = _Node()
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        template = route.template
        for segment in template.segments:
            if segment == ONE:
                node.one = node.one or _Node()
                node = node.one
            elif segment != REST:
                node = node.literals.setdefault(segment, _Node())
        leaves = node.rest if REST in template.segments else node.leaves
        methods = leaves.setdefault(template.verb, {})
        if route.http_method in methods:
            other = methods[route.http_method].rpc.full_name
            raise ValueError(f"{route.rpc.full_name} and {other} have the same route")
        methods[route.http_method] = route

    def find(self, method: str, segments: Sequence[str]) -> tuple[Route, Sequence[str]] | NoRoute:
        """Return the route and the segments without their verb, or why there is none.

        `segments` are percent-encoded and not empty. HEAD is found where a GET only reads.
        """
        for stem, verb in _readings(segments):
            for methods in _leaves(self._root, stem, 0, verb):
                route = methods.get("GET" if method == "HEAD" else method)
                if route is not None and not (method == "HEAD" and route.acts):
                    return route, stem
        return NoRoute(self.methods(segments))

    def methods(self, segments: Sequence[str]) -> tuple[str, ...]:
        """Return the methods that a path takes, sorted; none when nothing is there."""
        found: set[str] = set()
        for stem, verb in _readings(segments):
            for methods in _leaves(self._root, stem, 0, verb):
                found.update(methods)
                if "GET" in methods and not methods["GET"].acts:
                    found.add("HEAD")
        return tuple(sorted(found))


def _readings(segments: Sequence[str]) -> Iterator[tuple[Sequence[str], str | None]]:
    last = segments[-1] if segments else ""
    stem, colon, verb = last.rpartition(":")
    if colon and stem:
        yield [*segments[:-1], stem], verb
    yield segments, None


def _leaves(
    node: _Node, segments: Sequence[str], index: int, verb: str | None
) -> Iterator[dict[str, Route]]:
    if index == len(segments):
        if verb in node.leaves:
            yield node.leaves[verb]
        return
    literal = node.literals.get(segments[index])
    if literal is not None:
        yield from _leaves(literal, segments, index + 1, verb)
    if node.one is not None:
        yield from _leaves(node.one, segments, index + 1, verb)
    if verb in node.rest:
        yield node.rest[verb]
