"""Timecodes at another start and another rate."""

from fractions import Fraction

import pytest

from services.media.engine.timecode import moved_timecode

NTSC = Fraction(30_000, 1001)


@pytest.mark.parametrize(
    ("timecode", "source", "seconds", "target", "expected"),
    [
        ("10:00:00:00", Fraction(25), Fraction(0), Fraction(25), "10:00:00:00"),
        ("10:00:00:00", Fraction(25), Fraction(10), Fraction(50), "10:00:10:00"),
        ("23:59:59:24", Fraction(25), Fraction(1, 25), Fraction(25), "00:00:00:00"),
        # The time of day stays, also where a day of such frames is longer than one.
        ("01:02:03:12", Fraction(24), Fraction(0), Fraction(24_000, 1001), "01:02:03:12"),
        ("01:00:00:24", Fraction(50), Fraction(0), Fraction(25), "01:00:00:12"),
        # Two numbers are left out each minute, but every tenth.
        ("00:00:59;29", NTSC, 1 / NTSC, NTSC, "00:01:00;02"),
        ("00:09:59;29", NTSC, 1 / NTSC, NTSC, "00:10:00;00"),
        ("00:01:59;29", NTSC, 1 / NTSC, NTSC, "00:02:00;02"),
        ("01:00:00;00", NTSC, Fraction(3600), NTSC, "02:00:00;00"),
        ("00:01:00;04", NTSC * 2, Fraction(0), NTSC, "00:01:00;02"),
        ("00:00:59:29", NTSC, 1 / NTSC, NTSC, "00:01:00:00"),
        ("01:00:00;02", NTSC, Fraction(0), Fraction(25), "01:00:00:01"),
    ],
)
def test_moved(
    timecode: str, source: Fraction, seconds: Fraction, target: Fraction, expected: str
) -> None:
    assert moved_timecode(timecode, source, seconds, target) == expected


@pytest.mark.parametrize(
    ("timecode", "source", "target"),
    [
        ("ten o'clock", Fraction(25), Fraction(25)),
        ("10:00:00:00", Fraction(15), Fraction(25)),
        ("10:00:00:00", Fraction(25), Fraction(1051, 100)),
    ],
)
def test_nothing_is_made_up(timecode: str, source: Fraction, target: Fraction) -> None:
    assert moved_timecode(timecode, source, Fraction(0), target) is None
