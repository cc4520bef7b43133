"""Compressed answers: the right bytes in bounded pieces, or a refusal."""

import gzip
import zlib
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.outside import OutsideRefused
from services.media.fetch.decoding import decoder_for

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "identity": bytes,
}


def decoded(encoding: str, wire: bytes, step: int) -> list[bytes]:
    """The pieces that a body gives, coming in chunks of so many bytes."""
    decoder = decoder_for(encoding, "example.org")
    chunks = [wire[start : start + step] for start in range(0, len(wire), step)]
    pieces = [piece for chunk in chunks for piece in decoder.pieces(chunk)]
    decoder.finish()
    return pieces


@given(
    st.sampled_from(["gzip", " GZIP ", "deflate", "identity"]),
    st.lists(st.binary(max_size=300), min_size=1, max_size=3),
    st.integers(1, 50),
)
def test_whatever_was_packed_comes_out(encoding: str, parts: list[bytes], step: int) -> None:
    wire = b"".join(PACK[encoding.strip().lower()](part) for part in parts)
    assert b"".join(decoded(encoding, wire, step)) == b"".join(parts)


@given(st.sampled_from(["gzip", "deflate"]), st.binary(max_size=300), st.integers(1, 400))
def test_what_is_missing_or_added_is_noticed(encoding: str, data: bytes, cut: int) -> None:
    wire = PACK[encoding](data)
    for wrong in (wire[: -min(cut, len(wire))], wire + b"\0", wire + b"x"):
        with pytest.raises(OutsideRefused):
            decoded(encoding, wrong, 64)


@given(st.sampled_from(["gzip", "deflate"]), st.binary(min_size=1, max_size=300))
def test_nonsense_breaks_nothing(encoding: str, data: bytes) -> None:
    with suppress(OutsideRefused):
        decoded(encoding, data, 64)


@pytest.mark.parametrize("size", [(1 << 20) - 1, 1 << 20, (1 << 20) + 1, (8 << 20) + 100])
@pytest.mark.parametrize("step", [1000, 1 << 20])
def test_a_bomb_comes_in_pieces(size: int, step: int) -> None:
    sizes = [len(piece) for piece in decoded("gzip", gzip.compress(bytes(size)), step)]
    assert max(sizes) <= 1 << 20
    assert sum(sizes) == size
