from services.tasks.actions.live import Cancelled
from services.tasks.model import State, Submission
from tests.tasks.desk import KIND, Desk, told
from vitascope.work.v1 import work_pb2


async def test_items_come_back_in_the_order_of_the_request(desk: Desk) -> None:
    items = await desk.submit("c", "a", "b")
    assert [item.request_id for item in items] == ["c", "a", "b"]
    assert {item.state for item in items} == {State.QUEUED}
    assert await desk.counts() == {"team": (3, 0)}


async def test_a_repeat_returns_what_is_there(desk: Desk) -> None:
    first = await desk.submit("a", "b")
    again = await desk.submit("b", "new", "a", "new")
    assert [item.item_id for item in again[::2]] == [first[1].item_id, first[0].item_id]
    assert again[1] == again[3]
    assert await desk.counts() == {"team": (3, 0)}
    assert len(await desk.events()) == 3


async def test_a_repeat_does_not_restart_what_ended(desk: Desk) -> None:
    await desk.submit("a")
    session = await desk.enter()
    await desk.leases.succeed(session, await desk.lease(session), b"result")
    (again,) = await desk.submit("a")
    assert (again.state, again.result) == (State.SUCCESS, b"result")


async def test_accounts_and_owners_name_their_items_as_they_like(desk: Desk) -> None:
    (one,) = await desk.submit("a", account="one")
    (two,) = await desk.submit("a", account="two")
    (other,) = await desk.queue.submit([Submission("others", "one", "a", KIND)])
    assert len({one.item_id, two.item_id, other.item_id}) == 3


async def test_unknown_items_are_left_out(desk: Desk) -> None:
    await desk.submit("a")
    found = await desk.queue.get("videos", ["nothing", "a"])
    assert [item.request_id for item in found] == ["a"]
    assert await desk.queue.get("others", ["a"]) == []


async def test_cancel_queued_and_executing(desk: Desk) -> None:
    await desk.submit("running", "waiting")
    session = await desk.enter()
    lease = await desk.lease(session)
    told(session)
    cancelled = await desk.queue.cancel("videos", ["running", "waiting", "nothing"])
    assert [item.state for item in cancelled] == [State.CANCELLED] * 2
    assert told(session) == [Cancelled(lease)]
    assert session.lanes
    assert await desk.counts() == {"team": (0, 0)}


async def test_what_ended_cannot_be_cancelled(desk: Desk) -> None:
    await desk.submit("a")
    session = await desk.enter()
    await desk.leases.succeed(session, await desk.lease(session), b"")
    (item,) = await desk.queue.cancel("videos", ["a"])
    assert item.state is State.SUCCESS


async def test_every_move_is_announced(desk: Desk) -> None:
    await desk.submit("a")
    session = await desk.enter()
    await desk.leases.succeed(session, await desk.lease(session), b"result")
    events = [event.item for event in await desk.events()]
    assert [item.state for item in events] == [
        work_pb2.STATE_QUEUED,
        work_pb2.STATE_EXECUTING,
        work_pb2.STATE_SUCCESS,
    ]
    assert (events[-1].result, events[-1].percent, events[-1].owner) == (b"result", 100, "videos")
