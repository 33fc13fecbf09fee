"""Where an informer goes on from: the whole table."""

import pytest

from steward.runtime.following import (
    Absent,
    Complete,
    Empty,
    Expired,
    Failed,
    Listing,
    Moved,
    PageRead,
    Stopped,
    Streaming,
    StreamOpened,
    Watching,
    step,
)

EMPTY, LISTING, STREAMING, WATCHING = Empty("start"), Listing("start", "token-1"), Streaming("start"), Watching("7")

TABLE = {
    "the first of several pages": (EMPTY, PageRead("9", "token-1"), LISTING),
    "the only page": (EMPTY, PageRead("9", ""), Watching("9")),
    "a page in the middle": (LISTING, PageRead("9", "token-2"), Listing("start", "token-2")),
    "the last page": (LISTING, PageRead("9", ""), Watching("9")),
    "a token that expired": (LISTING, Expired(), Empty("continue_expired")),
    "a page that failed is asked for again": (LISTING, Failed(), LISTING),
    "a first page that failed": (EMPTY, Failed(), EMPTY),
    "a first page that expired": (EMPTY, Expired(), EMPTY),
    "a streamed list begins": (EMPTY, StreamOpened(), STREAMING),
    "more of a streamed list": (STREAMING, StreamOpened(), STREAMING),
    "an event of a streamed list": (STREAMING, Moved("8"), STREAMING),
    "the end mark of a streamed list": (STREAMING, Complete("9"), Watching("9")),
    "a streamed list that broke": (STREAMING, Failed(), EMPTY),
    "a streamed list that was ended": (STREAMING, Stopped(), EMPTY),
    "a streamed list that expired": (STREAMING, Expired(), EMPTY),
    "a watch goes on": (WATCHING, StreamOpened(), WATCHING),
    "an event": (WATCHING, Moved("8"), Watching("8")),
    "an event without a version": (WATCHING, Moved(""), WATCHING),
    "the server ends a watch": (WATCHING, Stopped(), WATCHING),
    "a watch breaks": (WATCHING, Failed(), WATCHING),
    "an API that is not there": (EMPTY, Absent(), Empty("appeared")),
    "an API that went while it was listed": (LISTING, Absent(), Empty("appeared")),
    "an API that went": (WATCHING, Absent(), Empty("appeared")),
    "a version that is too old": (WATCHING, Expired(), Empty("expired")),
}


@pytest.mark.parametrize("case", TABLE)
def test_each_thing_heard_leads_to_one_state(case):
    state, heard, expected = TABLE[case]

    assert expected == step(state, heard)


def test_the_reason_of_a_list_stays_until_the_list_is_whole():
    """It is the label of the relist metric."""
    state = step(WATCHING, Expired())
    for heard in (Failed(), PageRead("9", "token-1"), Failed(), PageRead("9", "token-2")):
        state = step(state, heard)

    assert Listing("expired", "token-2") == state
