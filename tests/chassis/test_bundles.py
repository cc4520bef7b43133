"""What is said together arrives as it was said."""

import pytest

from services.chassis import bundles
from services.chassis.bundles import bundled, unbundled
from vitascope.work.v1.work_pb2 import Checkpoint, Heartbeat, WorkRequest


def said(size: int) -> WorkRequest:
    return WorkRequest(checkpoint=Checkpoint(state=b"x" * size))


def test_what_is_said_together_is_one_message() -> None:
    bundle, *others = bundled([said(size) for size in range(100)])

    assert not others
    assert [len(each.checkpoint.state) for each in unbundled(bundle)] == list(range(100))


def test_nothing_said_is_no_message() -> None:
    assert list(bundled([WorkRequest() for _ in ()])) == []


def test_one_message_stays_as_it_is() -> None:
    alone = WorkRequest(heartbeat=Heartbeat())

    assert list(bundled([alone])) == [alone]
    assert list(unbundled(alone)) == [alone]


def test_large_messages_are_not_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "BUNDLE_BYTES", 1000)

    sizes = [400, 400, 400, 3000, 10, 10]
    found = list(bundled([said(size) for size in sizes]))

    heard = [[len(each.checkpoint.state) for each in unbundled(bundle)] for bundle in found]
    assert heard == [[400, 400], [400], [3000], [10, 10]]
    assert all(bundle.ByteSize() < 1000 or not bundle.more for bundle in found)
