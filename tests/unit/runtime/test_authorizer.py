"""Who may read what a process says about itself, as the API server decides it; on a virtual clock."""

import asyncio

import pytest

from steward.runtime import authorizer
from steward.runtime.authorizer import Authorizer, Door
from steward.telemetry.access import Access
from support.fakeapi import FakeAPI
from support.things import client

pytestmark = pytest.mark.looptime

TOKEN, STRANGERS = "prometheus-token", "stranger-token"
USER = {"username": "prometheus", "uid": "1", "groups": ["monitoring"], "extra": {"pod": ["prometheus-0"]}}


@pytest.fixture
def api():
    """A server that knows two tokens, one of whose bearers may get /metrics."""
    api = FakeAPI()
    api.reviews.tokens = {TOKEN: USER, STRANGERS: {"username": "stranger"}}
    api.reviews.readers = {("prometheus", "/metrics")}
    return api


@pytest.fixture
def authorize(api):
    return Authorizer(client(api))


@pytest.mark.parametrize(
    ("token", "path", "access"),
    [
        (TOKEN, "/metrics", Access.GRANTED),
        (TOKEN, "/events", Access.DENIED),
        (STRANGERS, "/metrics", Access.DENIED),
        ("made-up", "/metrics", Access.UNKNOWN),
    ],
)
async def test_the_api_server_decides(authorize, token, path, access):
    assert access is await authorize.decide(token, path)


async def test_the_review_is_about_the_bearer_as_the_api_server_knows_them(authorize, api, monkeypatch):
    """Groups and extra fields decide too."""
    asked = []
    monkeypatch.setattr(api.reviews, "status", lambda kind, spec, ask=api.reviews.status: asked.append((kind, spec)) or ask(kind, spec))
    await authorize.decide(TOKEN, "/metrics")

    assert [("TokenReview", {"token": TOKEN})] == asked[:1]
    assert {
        "user": "prometheus",
        "uid": "1",
        "groups": ["monitoring"],
        "extra": {"pod": ["prometheus-0"]},
        "nonResourceAttributes": {"path": "/metrics", "verb": "get"},
    } == asked[1][1]


@pytest.mark.parametrize(
    ("token", "seconds"),
    [(TOKEN, authorizer.GRANTED_SECONDS), (STRANGERS, authorizer.REFUSED_SECONDS), ("made-up", authorizer.REFUSED_SECONDS)],
    ids=["granted", "denied", "unknown"],
)
async def test_an_answer_is_remembered_for_its_time(authorize, api, token, seconds):
    for _ in range(10):
        await authorize.decide(token, "/metrics")
    first = api.requests("create tokenreviews")
    await asyncio.sleep(seconds)
    await authorize.decide(token, "/metrics")

    assert (1, 2) == (first, api.requests("create tokenreviews"))


async def test_a_right_that_was_taken_away_ends(authorize, api):
    await authorize.decide(TOKEN, "/metrics")
    api.reviews.readers.clear()
    await asyncio.sleep(authorizer.GRANTED_SECONDS)

    assert Access.DENIED is await authorize.decide(TOKEN, "/metrics")


async def test_two_who_ask_at_once_make_one_question(authorize, api):
    answers = await asyncio.gather(*(authorize.decide(TOKEN, "/metrics") for _ in range(5)))

    assert ([Access.GRANTED] * 5, 2) == (answers, api.requests("create"))


async def test_who_gives_up_waiting_does_not_end_the_question_of_others(authorize, api):
    api.delay(1.0)
    hasty = asyncio.create_task(authorize.decide(TOKEN, "/metrics"))
    patient = asyncio.create_task(authorize.decide(TOKEN, "/metrics"))
    await asyncio.sleep(0.1)
    hasty.cancel()

    assert Access.GRANTED is await patient


async def test_a_grant_outlives_an_outage_of_the_api_server_but_not_every_one(authorize, api):
    await authorize.decide(TOKEN, "/metrics")
    api.stop()
    await asyncio.sleep(authorizer.OUTAGE_SECONDS - 10)
    within = await authorize.decide(TOKEN, "/metrics")
    await asyncio.sleep(10)

    assert (Access.GRANTED, Access.UNDECIDED) == (within, await authorize.decide(TOKEN, "/metrics"))


async def test_a_refusal_does_not_outlive_it(authorize, api):
    await authorize.decide(STRANGERS, "/metrics")
    api.stop()
    await asyncio.sleep(authorizer.REFUSED_SECONDS)

    assert Access.UNDECIDED is await authorize.decide(STRANGERS, "/metrics")


async def test_a_server_that_hangs_is_undecided_in_time(authorize, api, looptime):
    api.hang()

    assert Access.UNDECIDED is await authorize.decide(TOKEN, "/metrics")
    assert looptime == pytest.approx(authorizer.LIMIT_SECONDS, abs=0.1)


async def test_ever_new_tokens_take_no_more_memory(authorize):
    for number in range(authorizer.REMEMBERED + 10):
        await authorize.decide(f"made-up-{number}", "/metrics")

    assert authorizer.REMEMBERED == len(authorize._answers)


async def test_the_log_says_once_who_was_refused_and_never_a_token(authorize, caplog):
    for _ in range(3):
        await authorize.decide(STRANGERS, "/metrics")
        await asyncio.sleep(authorizer.REFUSED_SECONDS)

    (line,) = [record for record in caplog.records if record.getMessage() == "request refused"]
    assert "stranger" in str(vars(line))
    assert STRANGERS not in str(vars(line))


def test_a_thread_gets_the_answer_of_the_loop(api):
    door = Door(Authorizer(client(api)))
    before = door(TOKEN, "/metrics")

    async def main():
        door.open()
        return await asyncio.to_thread(door, TOKEN, "/metrics")

    assert (Access.UNDECIDED, Access.GRANTED, Access.UNDECIDED) == (before, asyncio.run(main()), door(TOKEN, "/metrics"))
