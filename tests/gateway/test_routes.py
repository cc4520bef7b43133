"""Routes out of descriptors and the table that finds them."""

import re
from collections.abc import Sequence

import pytest
from google.api import annotations_pb2
from hypothesis import given
from hypothesis import strategies as st

import vitascope
from gateway.routes import NoRoute, Route, RouteTable, files_of, routes_of
from gateway.templates import parse
from tests.gateway.lab import lab_file

RPC = next(iter(lab_file().services_by_name["LabService"].methods))


def route(method: str, text: str) -> Route:
    return Route(method, parse(text), "", "", RPC)


def text_of(found: tuple[Route, Sequence[str]] | NoRoute) -> str | None:
    return None if isinstance(found, NoRoute) else found[0].template.text


def test_every_public_rpc_of_the_suite_is_routed() -> None:
    files = files_of(vitascope)
    declared = {
        rpc.full_name
        for file in files
        for service in file.services_by_name.values()
        for rpc in service.methods
        if rpc.GetOptions().HasExtension(annotations_pb2.http)
    }
    assert {route.rpc.full_name for route in routes_of(files)} == declared
    assert "vitascope.tasks.v2.TasksService.GetStatus" in declared
    RouteTable(routes_of(files))


def test_literals_win_over_stars_and_stars_over_the_rest() -> None:
    texts = ["/a/b", "/a/{x}", "/a/{x=**}", "/a/{x}:go", "/{y}/c"]
    table = RouteTable(route("GET", text) for text in texts)
    assert text_of(table.find("GET", ["a", "b"])) == "/a/b"
    assert text_of(table.find("GET", ["a", "c"])) == "/a/{x}"
    assert text_of(table.find("GET", ["a", "c", "d"])) == "/a/{x=**}"
    assert text_of(table.find("GET", ["a", "c:go"])) == "/a/{x}:go"
    assert text_of(table.find("GET", ["a", "c:come"])) == "/a/{x}"
    assert text_of(table.find("GET", ["z", "c"])) == "/{y}/c"
    assert table.find("GET", ["z"]) == NoRoute()


def test_a_method_is_looked_for_behind_a_better_path_too() -> None:
    table = RouteTable([route("GET", "/a/b"), route("PUT", "/a/{x}")])
    assert text_of(table.find("PUT", ["a", "b"])) == "/a/{x}"
    assert table.find("POST", ["a", "b"]) == NoRoute(("GET", "HEAD", "PUT"))


def test_two_routes_for_the_same_requests_are_refused() -> None:
    with pytest.raises(ValueError, match="same route"):
        RouteTable([route("GET", "/a/{x}"), route("GET", "/a/{y}")])


SEGMENTS = st.sampled_from(["a", "b", "*", "{%}", "{%=a/*}"])
PATHS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4)


@given(st.lists(st.lists(SEGMENTS, min_size=1, max_size=3), min_size=1, max_size=6), PATHS)
def test_it_finds_a_route_exactly_when_some_pattern_matches(
    shapes: list[list[str]], path: list[str]
) -> None:
    table, patterns = RouteTable([]), []
    for shape in shapes:
        named = "/" + "/".join(each.replace("%", f"f{n}") for n, each in enumerate(shape))
        one = route("GET", named)
        pattern = "/".join("[^/]+" if each == "*" else each for each in one.template.segments)
        if pattern not in patterns:
            patterns.append(pattern)
            table._add(one)
    matches = any(re.fullmatch(pattern, "/".join(path)) for pattern in patterns)
    assert (table.find("GET", path) != NoRoute()) == matches
