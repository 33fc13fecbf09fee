"""Kubernetes Events: few writes for many happenings, nothing lost that matters, and nobody waits for them."""

import asyncio

import msgspec
import pytest

from steward.runtime import recorder
from steward.runtime.plan import Event, Reason, Reference
from steward.runtime.recorder import CACHE_LIMIT, COALESCE_SECONDS, RING, SIMILAR_LIMIT, SPAM_BURST, SPAM_SECONDS, TRIES, Recorder
from support.fakeapi import FakeAPI
from support.managers import settled, until
from support.things import client

pytestmark = pytest.mark.looptime

CREATED = Reason("Created", "Normal", "The pod got its name.")
CONFLICT = Reason("Conflict", "Warning", "The name is taken.")


class Writing:
    """A recorder at work."""

    def __init__(self, api: FakeAPI) -> None:
        self.api = api
        self.counted: list[str] = []
        self.recorder = Recorder(client(api), controller="steward.dev/test", instance="steward-0", recorded=self.counted.append)
        self.task: asyncio.Task | None = None

    def record(self, note: str = "made", *, name: str = "web-0", reason: Reason = CREATED, namespace: str = "default", times: int = 1) -> None:
        """Record an event about a pod."""
        for _ in range(times):
            self.recorder.record(Event(Reference("v1", "Pod", namespace, name, f"uid-{name}"), reason, note, "Create"))

    def written(self) -> list[tuple[str, int]]:
        """Each Event at the server: its note, and how often it happened."""
        return [(event["note"], event.get("series", {}).get("count", 1)) for event in self.api.all("events")]


@pytest.fixture
def writing(api):
    return Writing(api)


async def _start(writing: Writing) -> Writing:
    writing.task = asyncio.ensure_future(writing.recorder.run())
    return writing


async def _end(writing: Writing) -> None:
    await settled(writing.api, quiet=5)
    writing.task.cancel()


async def test_an_event_says_who_what_and_about_whom(writing):
    """A real server refuses it if one of these is missing."""
    await _start(writing)
    writing.record("web-0.shop.svc answers with 10.0.0.1")
    await _end(writing)
    (event,) = writing.api.all("events")

    expected = {
        "action": "Create",
        "note": "web-0.shop.svc answers with 10.0.0.1",
        "reason": "Created",
        "regarding": {"apiVersion": "v1", "kind": "Pod", "name": "web-0", "namespace": "default", "uid": "uid-web-0"},
        "reportingController": "steward.dev/test",
        "reportingInstance": "steward-0",
        "type": "Normal",
    }
    assert expected == {name: event[name] for name in expected}
    assert event["metadata"]["name"].startswith("web-0.")


async def test_a_thousand_equal_events_are_a_few_writes(writing):
    """One with a count, brought up to date now and then."""
    await _start(writing)
    for _ in range(100):
        writing.record(times=10)
        await asyncio.sleep(0.05)
    await _end(writing)

    assert [("made", 1000)] == writing.written()
    assert writing.api.requests("events") <= 5 / COALESCE_SECONDS + 2
    assert 1000 == len(writing.counted)


async def test_recording_writes_nothing_and_waits_for_nothing(writing):
    """It is called in the middle of a reconcile; the server may be away."""
    writing.api.stop()
    writing.record(times=10_000)

    assert 0 == asyncio.get_running_loop().time()
    assert 0 == writing.api.requests()


async def test_many_different_notes_of_one_reason_become_one(writing):
    """Ten in ten minutes; the eleventh and all others are combined."""
    await _start(writing)
    for number in range(SIMILAR_LIMIT + 5):
        writing.record(f"attempt {number}", reason=CONFLICT)
    await _end(writing)

    assert [(f"attempt {number}", 1) for number in range(SIMILAR_LIMIT)] == sorted(writing.written(), key=lambda one: (len(one[0]), one))[
        :SIMILAR_LIMIT
    ]
    assert ("(combined from similar events) The name is taken.", 5) in writing.written()


async def test_after_ten_minutes_notes_are_told_apart_again(writing):
    await _start(writing)
    for number in range(SIMILAR_LIMIT + 1):
        writing.record(f"early {number}")
    await asyncio.sleep(700)
    writing.record("late")
    await _end(writing)

    assert ("late", 1) in writing.written()


async def test_an_object_that_is_the_subject_of_too_many_is_muted_for_a_while(writing):
    """25 writes at once, then one in five minutes; another object is heard meanwhile."""
    await _start(writing)
    for _ in range(SPAM_BURST + 10):
        writing.record()
        await asyncio.sleep(COALESCE_SECONDS * 1.1)
    muted = writing.api.requests("events")
    writing.record("quiet one", name="web-1")
    await asyncio.sleep(SPAM_SECONDS)
    writing.record()
    await _end(writing)

    assert SPAM_BURST == muted
    assert sorted([("made", SPAM_BURST + 11), ("quiet one", 1)]) == sorted(writing.written())


async def test_an_event_that_expired_at_the_server_begins_again(writing):
    """--event-ttl is an hour; the count is that of the new Event."""
    await _start(writing)
    writing.record(times=7)
    await settled(writing.api)
    for event in list(writing.api.keys("events")):
        writing.api.remove("events", event)
    for _ in range(8):
        await asyncio.sleep(30)
        writing.record()
    await _end(writing)

    assert [("made", 8)] == writing.written()


@pytest.mark.parametrize("fault", ["answer", "stop", "hang"])
async def test_events_of_an_outage_are_written_after_it(writing, fault):
    await _start(writing)
    match fault:
        case "answer":
            writing.api.answer(503, seconds=30)
        case "stop":
            writing.api.stop(30)
        case "hang":
            writing.api.hang(times=1)
    for number in range(3):
        writing.record(f"note {number}")
    await until(lambda: len(writing.api.all("events")) == 3, seconds=120)
    writing.task.cancel()


async def test_an_event_whose_answer_was_lost_is_there_once_for_readers(writing):
    """It may be at the server twice, for its name is new at each attempt; never not at all."""
    writing.api.drop("create events", applied=True, times=1)
    await _start(writing)
    writing.record()
    await _end(writing)

    assert 1 <= len(writing.written()) <= 2


async def test_an_event_nobody_takes_is_given_up(writing):
    """After as many attempts as client-go's; others go on."""
    writing.api.answer(500, match="create events web-0*")
    await _start(writing)
    writing.record()
    writing.record(name="db-0", note="other")
    await until(lambda: writing.api.requests("create events web-0*") >= TRIES, seconds=3600)
    await _end(writing)

    assert TRIES == writing.api.requests("create events web-0*")
    assert [("other", 1)] == writing.written()


@pytest.mark.parametrize("code", [403, 404, 422])
async def test_an_event_that_will_never_be_taken_is_not_tried_again(writing, code):
    """A namespace that goes away, a right that is missing."""
    writing.api.answer(code, match="create events")
    await _start(writing)
    writing.record()
    await _end(writing)

    assert 1 == writing.api.requests("create events")


async def test_one_namespace_that_refuses_does_not_hold_up_the_others(writing):
    """A webhook there answers 500; a hundred Events elsewhere are written meanwhile."""
    for namespace in ("broken", "fine"):
        writing.api.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    writing.api.answer(500, match="create events broken/*")
    await _start(writing)
    for number in range(20):
        writing.record(name=f"broken-{number}", namespace="broken")
    for number in range(100):
        writing.record(name=f"fine-{number}", namespace="fine")
    await until(lambda: len(writing.api.all("events")) == 100, seconds=30)
    writing.task.cancel()


async def test_events_that_come_while_others_are_written_may_push_out_some_that_wait(writing, monkeypatch):
    """The oldest are lost, and nothing else."""
    monkeypatch.setattr(recorder, "CACHE_LIMIT", 4)
    writing.api.delay(1, "create events")
    await _start(writing)
    for number in range(4):
        writing.record(str(number), name=f"web-{number}")
    await until(lambda: writing.api.requests("create events") == 1)
    for number in range(4, 8):
        writing.record(str(number), name=f"web-{number}")
    await until(lambda: len(writing.written()) == 5, unless=writing.task)
    await _end(writing)

    assert [(str(number), 1) for number in (0, 4, 5, 6, 7)] == sorted(writing.written())


async def test_a_server_that_asks_for_fewer_requests_gets_none_for_as_long(writing):
    """Retry-After holds for all Events, not for the one that met it."""
    writing.api.answer(429, match="create events", retry_after=30, times=1)
    for number in range(5):
        writing.record(name=f"web-{number}")
    await _start(writing)
    await until(lambda: writing.api.requests("create events") == 1)
    await asyncio.sleep(29)
    meanwhile = writing.api.requests("create events")
    await _end(writing)

    assert (1, 5) == (meanwhile, len(writing.written()))


async def test_the_last_events_are_written_at_the_end(writing):
    """Although nothing else runs any more; and a server that does not answer holds up nothing for long."""
    for number in range(10):
        writing.record(f"note {number}", name=f"web-{number}")
    await writing.recorder.finish()
    written = len(writing.written())
    writing.api.hang()
    writing.record("one more")
    started = asyncio.get_running_loop().time()
    await writing.recorder.finish()

    assert 10 == written
    assert asyncio.get_running_loop().time() - started <= 3


@pytest.mark.parametrize("name", ["x" * 253, "a" * 199 + "-b", "a" * 199 + ".b" + "c" * 50], ids=["long", "a dash at the cut", "a dot at the cut"])
async def test_a_long_name_of_an_object_makes_a_name_the_server_takes(writing, name):
    """Pods with names too long for a Service are what one kind of Event is about."""
    await _start(writing)
    writing.record(name=name)
    await _end(writing)

    assert 1 == len(writing.written())


@pytest.mark.parametrize("note", ["n" * 5000, "ü" * 5000, "n" * 1023 + "ü"], ids=["letters", "two bytes each", "two bytes at the cut"])
async def test_a_long_note_is_cut_to_what_the_server_takes(writing, note):
    await _start(writing)
    writing.record(note)
    await _end(writing)
    ((written, _),) = writing.written()

    assert 1000 < len(written.encode()) <= 1024
    assert note.startswith(written)


async def test_an_event_about_something_without_a_namespace_is_in_default(writing):
    await _start(writing)
    writing.recorder.record(Event(Reference("v1", "Node", "", "node-1", "uid-1"), CREATED, "made", "Create"))
    await _end(writing)

    assert ["default"] == [event["metadata"]["namespace"] for event in writing.api.all("events")]


async def test_the_last_events_can_be_looked_at(writing):
    """``/events``: one JSON object a line, the newest last, no more than a page of them."""
    for number in range(RING + 50):
        writing.record(f"note {number}", reason=CONFLICT)
    lines = [msgspec.json.decode(line) for line in writing.recorder.recent().splitlines()]

    assert RING == len(lines)
    last = {name: lines[-1][name] for name in ("type", "reason", "object", "note")}
    assert {"type": "Warning", "reason": "Conflict", "object": "Pod default/web-0", "note": f"note {RING + 49}"} == last


async def test_what_is_remembered_has_a_limit(writing):
    """Pods come and go for months."""
    for number in range(CACHE_LIMIT + 1000):
        writing.record(name=f"web-{number}")

    assert CACHE_LIMIT == len(writing.recorder._entries) == len(writing.recorder._similar)
    assert len(writing.recorder._dirty) <= CACHE_LIMIT
