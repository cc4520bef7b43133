"""How an answer is cut for a client of some speed."""

import pytest

from gateway.pacing import LARGEST_BYTES, SMALLEST_BYTES, Pace

MIB = 2**20
SLOTS = 32


class Client:
    """Takes what it is sent at a speed in bytes a second, behind a server that holds 32 pieces."""

    def __init__(self) -> None:
        self.now = 0.0
        self.held: list[int] = []

    def take(self, pace: Pace, chunk: bytes, speed: float) -> bytes:
        """Return what came of a chunk; time goes by as the server waits for room."""
        came = b""
        for piece in pace.cut(chunk):
            came += piece
            if len(self.held) == SLOTS:
                self.now += self.held.pop(0) / speed
            self.held.append(len(piece))
        return came


@pytest.mark.parametrize(
    ("speed", "ahead"), [(1e5, 2**19), (4e6, 2**19), (20e6, 2e6), (1e9, 2**21)]
)
def test_what_is_handed_over_fits_the_speed(speed: float, ahead: float) -> None:
    client = Client()
    pace = Pace(lambda: client.now)
    chunk = bytes(range(256)) * (MIB // 256)
    for _ in range(16):
        assert client.take(pace, chunk, speed) == chunk
        assert sum(client.held) <= ahead
    assert max(client.held) <= LARGEST_BYTES


def test_a_client_that_never_reads_is_sent_little() -> None:
    pace = Pace(lambda: 0.0)
    pieces = [piece for piece, _ in zip(pace.cut(bytes(4 * MIB)), range(SLOTS), strict=False)]
    assert {len(piece) for piece in pieces} == {SMALLEST_BYTES}


def test_a_client_that_slows_down_is_sent_less() -> None:
    client = Client()
    pace = Pace(lambda: client.now)
    client.take(pace, bytes(8 * MIB), 1e9)
    assert max(client.held) == LARGEST_BYTES
    client.take(pace, bytes(8 * MIB), 1e5)
    assert max(client.held) == SMALLEST_BYTES
