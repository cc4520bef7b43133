"""Frames that are made in another thread."""

import threading
from collections.abc import Iterable, Iterator
from itertools import islice

import pytest

from services.media.engine.ahead import made_ahead


class Broken(Exception):
    """Something raised this."""


def threads() -> int:
    """How many threads there are."""
    return threading.active_count()


@pytest.mark.parametrize("wanted", [1, 3, 100])
def test_all_frames_come_in_their_order(wanted: int) -> None:
    # Decoders ask for many packets before the first frame, and give many after the last.
    def make(packets: Iterable[int]) -> Iterator[list[int]]:
        held: list[int] = []
        for packet in packets:
            held.append(packet)
            if len(held) == wanted:
                yield held
                held = []
        for packet in held:
            yield [packet]

    before = threads()
    frames = list(made_ahead(make, iter(range(250))))
    assert [number for frame in frames for number in frame] == list(range(250))
    assert threads() == before


def test_packets_are_asked_for_in_the_caller_s_thread() -> None:
    asked, made = set(), set()

    def packets() -> Iterator[int]:
        for number in range(50):
            asked.add(threading.get_ident())
            yield number

    def make(packets: Iterable[int]) -> Iterator[int]:
        for number in packets:
            made.add(threading.get_ident())
            yield number

    assert list(made_ahead(make, packets())) == list(range(50))
    assert asked == {threading.get_ident()}
    assert len(made) == 1
    assert made.isdisjoint(asked)


def test_what_the_maker_raises_comes_after_the_frames_before() -> None:
    def make(packets: Iterable[int]) -> Iterator[int]:
        for number in packets:
            if number == 20:
                raise Broken
            yield number

    frames = made_ahead(make, iter(range(1000)))
    assert [next(frames) for _ in range(20)] == list(range(20))
    with pytest.raises(Broken):
        next(frames)


def test_what_the_packets_raise_ends_the_maker() -> None:
    def packets() -> Iterator[int]:
        yield 1
        raise Broken

    before = threads()
    with pytest.raises(Broken):
        list(made_ahead(iter, packets()))
    assert threads() == before


def test_a_maker_may_leave_packets_over() -> None:
    def make(packets: Iterable[int]) -> Iterator[int]:
        yield from islice(packets, 5)

    left = iter(range(1000))
    assert list(made_ahead(make, left)) == list(range(5))
    assert next(left) < 50


def test_who_stops_early_leaves_no_thread() -> None:
    before = threads()
    frames = made_ahead(iter, iter(range(1000)))
    assert next(frames) == 0
    frames.close()  # type: ignore[attr-defined]
    assert threads() == before
