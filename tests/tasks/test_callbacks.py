"""Calls to clients whose tasks ended."""

import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Select, func, select, text

from gateway.codec import Codec
from gateway.surfaces.tasks import TASKS
from services.chassis.database import Database
from services.chassis.errors import Unavailable
from services.tasks import metrics
from services.tasks.actions.administration import Administration
from services.tasks.actions.callback_administration import CallbackAdministration
from services.tasks.actions.callbacks import outside_policy
from services.tasks.actions.gauging import Gauging
from services.tasks.actions.retention import Retention
from services.tasks.actions.tasks import Task
from services.tasks.api.statuses import status_of
from services.tasks.api.versions import BY_NUMBER
from services.tasks.model.callbacks import (
    CLAIM,
    MOST_A_HOST,
    Callback,
    CallbackState,
    Line,
    delivered,
    retry_delay,
    shown,
    split_credentials,
    turns,
)
from services.tasks.store import callbacks as store
from services.tasks.store.tables import callbacks as table
from services.tasks.store.tables import metadata
from tests.kit.waiting import wait_for_async
from tests.kit.web import Reply, receiving
from tests.tasks.calling import ID, KIND, calling, create, is_signed, kept, owed, turn
from tests.tasks.desk import SEALER, Clock, Desk
from tests.tasks.service import becomes_true
from tests.tasks.test_hot_path import _plan, statements
from vitascope.tasks.v2 import specs_pb2

RESULT = specs_pb2.ImageInfoResult(content_type="image/jpeg", width=3).SerializeToString()
DEAD = "http://127.0.0.1:1/"
End = Callable[[Desk, str], Awaitable[None]]


async def succeed(desk: Desk, key: str) -> None:
    session = await desk.enter(key, kind=KIND)
    await desk.leases.succeed(session, await desk.lease(session), RESULT)
    session.draining = True


async def fail(desk: Desk, key: str) -> None:
    session = await desk.enter(key, kind=KIND)
    await desk.leases.fail(session, await desk.lease(session), "It is no “image”.", False)
    session.draining = True


async def cancel(desk: Desk, key: str) -> None:
    await _administration(desk).cancel([key])


def _administration(desk: Desk) -> Administration:
    return Administration(desk.db, desk.writer, desk.live)


async def _have_ended(desk: Desk, count: int) -> list[Callback]:
    """Wait until so many callbacks were delivered or given up; return all."""
    over = select(func.count()).select_from(table).where(table.c.ended_at.is_not(None))

    async def look() -> bool:
        return bool(await _scalar(desk, over) == count)

    await becomes_true(look, f"{count} ends of callbacks")
    return await kept(desk)


async def _scalar(desk: Desk, query: Select[Any]) -> Any:
    async with desk.db.reading() as tx:
        return await tx.scalar(query)


async def _is_tried(desk: Desk, attempts: int) -> Callback:
    """Wait until the only callback was tried so often; return it."""
    tried = select(func.count()).where(table.c.attempts == attempts, ~table.c.claimed)

    async def look() -> bool:
        return bool(await _scalar(desk, tried))

    await becomes_true(look, f"{attempts} tries")
    return (await kept(desk))[0]


ENDS = pytest.mark.parametrize(
    ("end", "path"), [(succeed, "/well"), (fail, "/badly"), (cancel, "/badly")]
)
VERSIONS = pytest.mark.parametrize("version", [1, 2])


@VERSIONS
@ENDS
async def test_a_client_is_told_what_the_status_says(
    desk: Desk, end: End, path: str, version: int
) -> None:
    with receiving() as endpoint:
        well, badly = f"{endpoint.url}/well?a=b", f"{endpoint.url}/badly?a=b"
        key = await create(desk, well, badly, version=version)
        assert await kept(desk) == []
        await end(desk, key)
        async with calling(desk):
            (callback,) = await _have_ended(desk, 1)
    (call,) = endpoint.calls
    assert (call.method, call.path) == ("POST", f"{path}?a=b")
    assert call.headers["content-type"] == "application/json"
    assert call.headers[ID] == callback.callback_id
    assert is_signed(call)
    assert not is_signed(call, "another secret")
    assert await _answered(desk, key, version) == b"[" + call.body + b"]"
    assert (callback.state, callback.attempts, callback.body) == (CallbackState.DELIVERED, 1, b"")


async def _answered(desk: Desk, key: str, version: int) -> bytes:
    """What the gateway answers to POST /vN/status."""
    messages = BY_NUMBER[version].messages
    task: Task = (await desk.tasks.find([key]))[key]
    status = status_of(BY_NUMBER[version], task, "https://media.example", details=False)
    response = messages.GetStatusResponse.FromString(
        messages.GetStatusResponse(tasks=[status]).SerializeToString()
    )
    return Codec(TASKS).writer(messages.GetStatusResponse.DESCRIPTOR, "tasks")(response)


@VERSIONS
async def test_what_is_refused_at_once_is_told_too(desk: Desk, version: int) -> None:
    with receiving() as endpoint:
        key = await create(desk, None, endpoint.url, version=version, refusal="is no URL")
        async with calling(desk):
            await _have_ended(desk, 1)
    (call,) = endpoint.calls
    said = json.loads(call.body)
    problem = {"parameters": {"url": ["is no URL"]}}
    assert (said["key"], said["status"]) == (key, "error")
    assert said["result" if version == 1 else "error"] == problem


@pytest.mark.parametrize(
    ("end", "callback", "errback"),
    [(succeed, None, "http://here.example/"), (fail, "http://here.example/", None)],
)
async def test_who_asks_for_one_end_is_not_told_of_the_other(
    desk: Desk, end: End, callback: str | None, errback: str | None
) -> None:
    await end(desk, await create(desk, callback, errback))
    assert await kept(desk) == []


async def test_a_task_that_calls_nobody_costs_nothing(desk: Desk, db: Database) -> None:
    with statements(db) as seen:
        await succeed(desk, await create(desk))
    assert seen
    assert not any("callbacks" in sql for sql, _ in seen)
    assert not any("FROM tasks" in sql for sql, _ in seen)


async def test_a_result_that_cannot_be_read_does_not_keep_its_task_from_ending(
    desk: Desk,
) -> None:
    key = await create(desk, "http://here.example/")
    session = await desk.enter(kind=KIND)
    await desk.leases.succeed(session, await desk.lease(session), b"\xff")
    assert (await desk.tasks.find([key]))[key].item.ended
    (callback,) = await kept(desk)
    assert callback.state is CallbackState.GIVEN_UP
    assert callback.last_failure == "The task's status could not be written."


async def test_a_server_in_trouble_is_called_again_for_a_day(desk: Desk, clock: Clock) -> None:
    with receiving(lambda _: Reply(500)) as endpoint:
        started = clock()
        await fail(desk, await create(desk, None, endpoint.url))
        async with calling(desk):
            tries = 0
            while (callback := await _is_tried(desk, tries + 1)).state is CallbackState.WAITING:
                tries += 1
                delay = min(retry_delay(tries, 0.0), callback.give_up_at - clock())
                assert callback.due_at == clock() + delay
                turn(desk, delay.total_seconds())
    assert clock() == started + timedelta(days=1)
    assert callback.state is CallbackState.GIVEN_UP
    assert callback.last_failure == "The server 127.0.0.1 answered with the status 500."
    assert 30 < len(endpoint.calls) == callback.attempts < 40
    assert len({call.body for call in endpoint.calls}) == 1
    assert set(endpoint.ids(ID)) == {callback.callback_id}
    # Each is signed anew: receivers refuse what was signed long ago.
    assert all(is_signed(call) for call in endpoint.calls)
    assert len(set(endpoint.ids("x-vitascope-signature"))) == len(endpoint.calls)


async def test_what_is_to_come_later_comes_later(desk: Desk, clock: Clock) -> None:
    replies = iter([Reply(503, {"retry-after": "120"}), Reply(429, {"retry-after": "99999"})])
    with receiving(lambda _: next(replies, Reply(204))) as endpoint:
        await owed(desk, [endpoint.url])
        async with calling(desk):
            assert (await _is_tried(desk, 1)).due_at == clock() + timedelta(seconds=120)
            turn(desk, 120)
            assert (await _is_tried(desk, 2)).due_at == clock() + timedelta(hours=1)
            turn(desk, 3600)
            assert (await _is_tried(desk, 3)).state is CallbackState.DELIVERED
    assert len(endpoint.calls) == 3


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(desk: Desk, status: int) -> None:
    with receiving() as other:
        moved = Reply(status, {"location": other.url})
        with receiving(lambda _: moved) as endpoint:
            await owed(desk, [endpoint.url])
            async with calling(desk):
                callback = await _is_tried(desk, 1)
    assert callback.last_failure == f"The server 127.0.0.1 answered with the status {status}."
    assert (len(endpoint.calls), other.calls) == (1, [])


async def test_this_machine_is_not_called(desk: Desk) -> None:
    with receiving() as endpoint:
        await owed(desk, [endpoint.url])
        async with calling(desk, outside_policy(allow_loopback=False)):
            callback = await _is_tried(desk, 1)
    assert endpoint.calls == []
    assert callback.last_failure == "The server 127.0.0.1 is not on the public internet."


async def test_a_name_and_a_password_are_sent_and_not_shown(desk: Desk) -> None:
    with receiving() as endpoint:
        address = endpoint.url.replace("://", "://ann:s%40y@") + "/hook?token=t#part"
        await owed(desk, [address])
        async with calling(desk):
            await _have_ended(desk, 1)
    (call,) = endpoint.calls
    assert call.headers["authorization"] == "Basic YW5uOnNAeQ=="
    assert call.path == "/hook?token=t"
    [kept_as] = [each.url for each in await kept(desk)]
    assert "ann" not in kept_as
    assert shown(address) == endpoint.url.replace("://", "://***@") + "/hook?***"
    assert split_credentials("http://here.example/a") == ("http://here.example/a", None)


async def test_ends_of_one_task_are_told_in_their_order(desk: Desk) -> None:
    replies = iter([Reply(500)])
    with receiving(lambda _: next(replies, Reply())) as badly, receiving() as well:
        key = await create(desk, well.url, badly.url)
        await fail(desk, key)
        async with calling(desk):
            await _is_tried(desk, 1)
            await _administration(desk).retry([key])
            await succeed(desk, key)
            await owed(desk, [well.url])
            # The other task's is delivered; that of the success waits behind the failure.
            await _have_ended(desk, 1)
            assert [json.loads(call.body) for call in well.calls] == [{"n": 0}]
            turn(desk, 5)
            await _have_ended(desk, 3)
    assert [json.loads(call.body)["status"] for call in badly.calls] == ["error", "error"]
    assert json.loads(well.calls[-1].body)["status"] == "success"


async def test_an_endpoint_that_never_answers_holds_nobody_up(desk: Desk) -> None:
    with receiving(lambda _: Reply(None)) as dead, receiving() as alive:
        await owed(desk, [f"{dead.url}/{n}" for n in range(10_000)])
        async with calling(desk):
            await wait_for_async(lambda: len(dead.calls) >= MOST_A_HOST, what="calls in vain")
            # Of the same account and of another one.
            await owed(desk, [alive.url] * 50)
            await owed(desk, [alive.url] * 50, account="other")
            await _have_ended(desk, 100)
            assert await _scalar(desk, select(func.max(table.c.attempts))) == 1
    assert len(alive.calls) == 100
    assert alive.most_open <= MOST_A_HOST
    assert (len(dead.calls), dead.most_open) == (MOST_A_HOST, MOST_A_HOST)


async def test_what_a_lost_process_had_claimed_is_sent_by_the_same_id(
    desk: Desk, clock: Clock
) -> None:
    with receiving() as endpoint:
        (callback,) = await owed(desk, [endpoint.url])
        lost = await _claim(desk, callback)
        async with calling(desk):
            turn(desk, CLAIM.total_seconds() - 1)
            (other,) = await owed(desk, [endpoint.url])
            await _have_ended(desk, 1)
            assert endpoint.ids(ID) == [other.callback_id]
            turn(desk, 1)
            await _have_ended(desk, 2)
        assert endpoint.ids(ID) == [other.callback_id, callback.callback_id]
    # What it says when it comes back counts no more.
    async with desk.db.transaction() as tx:
        await store.note(tx, [delivered(lost, clock() + timedelta(seconds=9))])
    assert {each.ended_at for each in await kept(desk)} == {clock() - timedelta(seconds=1), clock()}


async def _claim(desk: Desk, callback: Callback) -> Callback:
    now = desk.clock()
    async with desk.db.transaction() as tx:
        (claimed,) = await store.claim(tx, callback.line, 9, now, now + CLAIM)
    return claimed


async def test_without_the_secret_it_is_tried_later(desk: Desk) -> None:
    answers = iter([Unavailable("The accounts service is away.")])

    async def secret_of(account_id: str) -> str:
        if error := next(answers, None):
            raise error
        return f"secret of {account_id}"

    with receiving() as endpoint:
        await owed(desk, [endpoint.url], account="team 7")
        async with calling(desk, secret_of=secret_of):
            callback = await _is_tried(desk, 1)
            assert (endpoint.calls, callback.last_failure) == ([], "The accounts service is away.")
            turn(desk, 5)
            await _have_ended(desk, 1)
    assert is_signed(endpoint.calls[0], "secret of team 7")


@pytest.mark.parametrize("url", ["http://[::1", "http://ü.example:99999/", "http://a b/"])
async def test_an_address_that_is_none_harms_nobody_else(desk: Desk, url: str) -> None:
    with receiving() as endpoint:
        (bad,) = await owed(desk, ["http://x/"])
        broken = Callback(**{**vars(bad), "callback_id": "B" * 26, "key": "B" * 26, "url": url})
        async with desk.db.transaction() as tx:
            await store.add(tx, [broken])
        await owed(desk, [endpoint.url])
        async with calling(desk):
            await _have_ended(desk, 1)
    assert len(endpoint.calls) == 1


async def test_two_processes_share_the_work(postgres_url: str, clock: Clock) -> None:
    async with AsyncExitStack() as stack:
        databases = [Database(postgres_url, metadata) for _ in range(2)]
        for db in databases:
            stack.push_async_callback(db.close)
        await databases[0].migrate("services.tasks.migrations")
        one, two = [Desk(db, clock) for db in databases]
        endpoints = [stack.enter_context(receiving()) for _ in range(5)]
        new = await owed(one, [f"{endpoints[n % 5].url}/{n}" for n in range(300)])
        await stack.enter_async_context(calling(one))
        await stack.enter_async_context(calling(two))
        two.owing.owed.set()
        await _have_ended(one, 300)
        ids = [each for endpoint in endpoints for each in endpoint.ids(ID)]
        assert sorted(ids) == sorted(each.callback_id for each in new)
        assert max(endpoint.most_open for endpoint in endpoints) <= MOST_A_HOST


async def test_what_was_given_up_can_be_tried_again(desk: Desk, clock: Clock) -> None:
    administration = CallbackAdministration(desk.db, SEALER, desk.owing.owed, clock)
    with receiving() as endpoint:
        given_up, waiting = await owed(desk, [endpoint.url, f"{endpoint.url}/waits"])
        async with desk.db.transaction() as tx:
            for each in (given_up, waiting):
                over = each is given_up
                state = CallbackState.GIVEN_UP if over else CallbackState.WAITING
                due_at, ended_at = clock() + timedelta(hours=1), clock() if over else None
                changes = {"state": state, "due_at": due_at, "ended_at": ended_at}
                await store.note(tx, [Callback(**{**vars(each), **changes})])
        async with calling(desk):
            ids = [given_up.callback_id, waiting.callback_id, "unknown"]
            again = await administration.retry(ids)
            assert {each.state for each in again} == {CallbackState.WAITING}
            await _have_ended(desk, 2)
    assert len(endpoint.calls) == 2
    # There is nothing to say any more, and it was said.
    (first, _) = await administration.retry(ids)
    assert first.state is CallbackState.DELIVERED


async def test_callbacks_are_kept_as_long_as_work(desk: Desk, clock: Clock) -> None:
    retention = Retention(desk.db, timedelta(days=7), clock)
    with receiving() as endpoint:
        await owed(desk, [endpoint.url, DEAD])
        async with calling(desk):
            await _have_ended(desk, 1)
    clock.turn(7 * 86_400)
    await retention.sweep()
    assert len(await kept(desk)) == 2
    clock.turn(1)
    await retention.sweep()
    # What waits is no older than a day; here nobody gave it up.
    assert [each.state for each in await kept(desk)] == [CallbackState.WAITING]


def test_accounts_take_turns_and_then_their_hosts() -> None:
    at = Clock().moment
    lines = [Line(f"a {host}", at) for host in ("x", "y", "z")] + [Line("b x", at)]
    assert turns(lines, {}, 4) == {"a x": 1, "a y": 1, "b x": 2}
    # Of the last host they share what it takes.
    assert turns(lines, {}, 99) == {"a x": 1, "a y": 4, "a z": 4, "b x": 3}
    # Who has many under way waits until others have as many.
    assert turns(lines, {"a y": 3}, 3) == {"b x": 3}
    assert turns(lines, {"b x": MOST_A_HOST}, 99) == {"a y": 4, "a z": 4}
    assert turns(lines, {"c x": MOST_A_HOST - 1}, 2) == {"a y": 1, "b x": 1}
    older = Line("d z", at - timedelta(seconds=1))
    assert turns([*lines, older], {}, 1) == {"d z": 1}
    assert turns([], {}, 9) == {}


def test_waits_grow_to_an_hour() -> None:
    waits = [retry_delay(n, 0.0).total_seconds() for n in (1, 2, 3, 10, 11, 99)]
    assert waits == [5, 10, 20, 2560, 3600, 3600]
    assert retry_delay(1, 1.0).total_seconds() == 2.5
    assert retry_delay(1, 0.5, 60).total_seconds() == 60.5
    assert retry_delay(1, 0.0, 10**6).total_seconds() == 3600


async def test_no_statement_about_callbacks_reads_all_of_them(desk: Desk, db: Database) -> None:
    moment = desk.clock()
    for n in range(5):
        await owed(desk, [f"http://{n}.example/"] * 400)
    async with db.transaction() as tx:
        over = table.update().where(table.c.line.not_like("% 4.example"))
        changes = {"state": CallbackState.DELIVERED, "ended_at": moment, "body": b""}
        await tx.execute(over.values(changes))
        await tx.execute(text("ANALYZE"))
    async with db.transaction() as tx:
        with statements(db) as seen:
            await store.any_due(tx, moment)
            await store.due_lines(tx, moment)
            await store.running(tx, moment)
            await store.claim(tx, "team 4.example", 4, moment, moment + CLAIM)
            await store.delete_over(tx, moment, 100)
        plans = [await _plan(tx, db, *each) for each in seen]
    for plan in plans:
        bare = "SCAN callbacks" in plan and "SCAN callbacks USING" not in plan
        assert not bare, plan
        assert "Seq Scan on callbacks" not in plan, plan


async def test_what_waits_is_measured(desk: Desk, clock: Clock) -> None:
    gauging = Gauging(desk.db, clock)
    await gauging.measure()
    assert (metrics.WAITING_CALLBACKS._value.get(), _age()) == (0, 0)
    before = {each: metrics.CALLS.labels(each)._value.get() for each in metrics.Call}
    replies = iter([Reply(500), Reply(200)])
    with receiving(lambda _: next(replies)) as endpoint:
        await owed(desk, [f"{endpoint.url}/1"])
        clock.turn(9)
        await gauging.measure()
        assert (metrics.WAITING_CALLBACKS._value.get(), _age()) == (1, 9)
        async with calling(desk):
            await _is_tried(desk, 1)
            turn(desk, 60)
            await _have_ended(desk, 1)
    after = {each: metrics.CALLS.labels(each)._value.get() for each in metrics.Call}
    grown = {each: after[each] - before[each] for each in metrics.Call}
    assert {each for each in grown if grown[each] == 1} == {
        metrics.Call.REFUSED,
        metrics.Call.DELIVERED,
    }


def _age() -> float:
    return float(metrics.OLDEST_CALLBACK_SECONDS._value.get())
