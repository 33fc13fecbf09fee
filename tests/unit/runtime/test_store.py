"""The cache: what events, lists and our own writes make of it, and what its readers are told."""

import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steward.runtime import store as stores
from steward.runtime.resource import Key
from steward.runtime.store import Change, Index, Store, Writer
from support import virtual
from support.things import THINGS, key, thing

BY_LABEL: Index = Index("tier", lambda item: filter(None, [item.metadata.labels.get("tier")]))


class Told:
    """A writer, and what its subscriber was told."""

    def __init__(self) -> None:
        self.writer = Writer(Store(THINGS, (BY_LABEL,)))
        self.changes: list[Change] = []
        self.writer.subscribe(self.changes.append)

    def words(self) -> list[tuple[str, str]]:
        """Each change as a word and the version it tells."""
        return [
            ("added" if change.old is None else "deleted" if change.new is None else "updated", change.object.metadata.resource_version)
            for change in self.changes
        ]


@pytest.fixture
def told():
    return Told()


async def _replace(told: Told, *items, started: float = 100.0, **options) -> None:
    await told.writer.replace({item.metadata.key: item for item in items}, started=started, **options)


def test_a_life_is_told_as_it_happened(told):
    first, second = thing("a", version=1), thing("a", version=2)
    told.writer.upsert(first)
    told.writer.upsert(second)
    told.writer.remove(thing("a", version=3))

    assert [Change(None, first), Change(first, second), Change(thing("a", version=3), None)] == told.changes
    assert told.writer.store.get(key("a")) is None


def test_a_thousand_repetitions_are_told_once(told):
    for _ in range(1000):
        told.writer.upsert(thing("a", version=5))

    assert [("added", "5")] == told.words()


def test_an_older_event_changes_nothing(told):
    for version in (2, 1):
        told.writer.upsert(thing("a", version=version))

    assert [("added", "2")] == told.words()


def test_a_new_uid_under_an_old_name_is_a_deletion_and_an_addition(told):
    """A pod of a StatefulSet that was made anew while we did not look."""
    told.writer.upsert(thing("a", uid="old", version=1))
    told.writer.upsert(thing("a", uid="new", version=9))

    assert [("added", "1"), ("deleted", "1"), ("added", "9")] == told.words()
    assert ["old", "old", "new"] == [change.object.metadata.uid for change in told.changes]


def test_the_end_of_a_former_object_is_not_the_end_of_its_successor(told):
    told.writer.upsert(thing("a", uid="new", version=9))
    told.writer.remove(thing("a", uid="old", version=8))

    assert "new" == told.writer.store.get(key("a")).metadata.uid


def test_nothing_comes_back_from_the_dead(told):
    """An event about an object that is deleted already, from before its deletion."""
    told.writer.upsert(thing("a", version=1))
    told.writer.remove(thing("a", version=3))
    told.writer.upsert(thing("a", version=2))

    assert told.writer.store.get(key("a")) is None


def test_an_object_that_comes_back_into_the_selection_is_there_again(told):
    """To a watch with a selector, leaving it looks like a deletion; the uid is the same afterwards."""
    told.writer.upsert(thing("a", version=1))
    told.writer.remove(thing("a", version=2))
    told.writer.upsert(thing("a", version=3))

    assert "3" == told.writer.store.get(key("a")).metadata.resource_version


async def test_a_list_is_told_as_its_differences(told):
    for name in ("gone", "same", "changed"):
        told.writer.upsert(thing(name, version=1))
    told.changes.clear()

    await _replace(told, thing("same", version=1), thing("changed", version=4), thing("new", version=3))

    assert {("deleted", "gone"), ("updated", "changed"), ("added", "new")} == {
        (word, change.object.metadata.name) for (word, _), change in zip(told.words(), told.changes, strict=True)
    }


async def test_what_was_deleted_during_a_gap_is_told_with_its_last_known_state(told):
    last = thing("a", version=4, x="known")
    told.writer.upsert(last)

    await _replace(told)

    assert Change(last, None) == told.changes[-1]


async def test_a_list_of_one_namespace_says_nothing_about_others(told):
    told.writer.upsert(thing("a", namespace="one"))
    told.writer.upsert(thing("b", namespace="two"))

    await _replace(told, within=lambda found: found.namespace == "one")

    assert [Key("two", "b")] == [item.metadata.key for item in told.writer.store]


async def test_a_list_of_a_server_that_was_restored_is_believed(told):
    """It counts from an earlier version."""
    told.writer.upsert(thing("a", version=1000, x="lost"))

    await _replace(told, thing("a", version=10, x="restored"))

    assert {"x": "restored"} == told.writer.store.get(key("a")).data


def test_a_write_of_ours_is_known_before_the_watch_shows_it(told):
    told.writer.wrote(thing("a", version=5), at=1)
    told.writer.upsert(thing("a", version=4))
    told.writer.upsert(thing("a", version=5))

    assert [("added", "5")] == told.words()


def test_an_answer_that_comes_after_the_event_of_a_later_write_changes_nothing(told):
    """The watch may be faster than the answer to our own request."""
    told.writer.upsert(thing("a", version=6))
    told.writer.wrote(thing("a", version=5), at=1)

    assert [("added", "6")] == told.words()


def test_an_answer_that_comes_after_the_deletion_does_not_bring_the_object_back(told):
    """Made by us, deleted by somebody, and the watch told both before our answer was read."""
    told.writer.upsert(thing("a", version=5))
    told.writer.remove(thing("a", version=6))
    told.writer.wrote(thing("a", version=5), at=1)

    assert told.writer.store.get(key("a")) is None


def test_a_delete_of_ours_is_known_before_the_watch_shows_it(told):
    """Late events about the object do not bring it back; its successor comes."""
    told.writer.upsert(thing("a", uid="old", version=1))
    told.writer.deleted(thing("a", uid="old", version=1), at=1)
    told.writer.upsert(thing("a", uid="old", version=2))
    told.writer.remove(thing("a", uid="old", version=3))
    told.writer.upsert(thing("a", uid="new", version=4))

    assert [("added", "1"), ("deleted", "1"), ("added", "4")] == told.words()


async def test_a_list_that_was_asked_for_before_our_write_does_not_take_it_back(told):
    """Its create, its change and its delete are all younger than the list."""
    for name in ("changed", "deleted"):
        told.writer.upsert(thing(name, version=1))
    told.writer.wrote(thing("created", version=7), at=11)
    told.writer.wrote(thing("changed", version=8, x="ours"), at=11)
    told.writer.deleted(thing("deleted", version=1), at=11)

    await _replace(told, thing("changed", version=1), thing("deleted", version=1), started=10)

    assert {"created", "changed"} == {item.metadata.name for item in told.writer.store}
    assert {"x": "ours"} == told.writer.store.get(key("changed")).data


async def test_a_list_that_was_asked_for_after_our_write_is_right(told):
    told.writer.wrote(thing("a", version=7), at=9)

    await _replace(told, started=10)

    assert 0 == len(told.writer.store)


async def test_a_write_in_the_middle_of_a_long_list_stays(told):
    """Others run while ten thousand objects are filed."""
    listed = {key(f"thing-{n}"): thing(f"thing-{n}", uid=f"uid-{n}", version=1) for n in range(1000)}
    filing = asyncio.ensure_future(told.writer.replace(listed, started=0))
    await asyncio.sleep(0)
    filed = len(told.writer.store)
    told.writer.wrote(thing("thing-999", uid="uid-999", version=50, x="ours"), at=1)
    told.writer.deleted(thing("thing-998", uid="uid-998", version=1), at=1)
    await filing

    assert 0 < filed < 1000
    assert {"x": "ours"} == told.writer.store.get(key("thing-999")).data
    assert told.writer.store.get(key("thing-998")) is None


def test_deleted_objects_are_not_remembered_for_ever(told, monkeypatch):
    monkeypatch.setattr(stores, "GONE_LIMIT", 10)
    for number in range(1000):
        told.writer.remove(thing("a", uid=f"uid-{number}", version=number))

    assert 10 == len(told.writer._gone)


def test_an_index_follows_its_objects(told):
    told.writer.upsert(thing("b", version=1, labels={"tier": "web"}))
    told.writer.upsert(thing("a", version=2, labels={"tier": "web"}))
    told.writer.upsert(thing("a", version=3, labels={"tier": "batch"}))
    told.writer.remove(thing("b", version=4))
    store = told.writer.store

    assert [] == store.by(BY_LABEL, "web")
    assert ["a"] == [item.metadata.name for item in store.by(BY_LABEL, "batch")]
    assert ["a"] == [item.metadata.name for item in store.filed(BY_LABEL)]
    assert ["batch"] == list(store._indexes[BY_LABEL])


def test_an_index_hands_out_in_the_order_of_keys(told):
    for name in ("c", "a", "b"):
        told.writer.upsert(thing(name, uid=name, labels={"tier": "web"}))

    assert ["a", "b", "c"] == [item.metadata.name for item in told.writer.store.by(BY_LABEL, "web")]


def test_a_reader_may_look_around_while_the_writer_goes_on(told):
    """Scrapes read from another thread."""
    for number in range(10):
        told.writer.upsert(thing(f"thing-{number}", uid=str(number)))
    found = []
    for item in told.writer.store:
        found.append(item)
        told.writer.remove(item)

    assert 10 == len(found)


def test_equal_values_are_kept_once(told):
    """Replicas repeat their labels."""
    for name in ("a", "b"):
        told.writer.upsert(thing(name, uid=name, labels={"app": "shop"}))

    assert told.writer.store.get(key("a")).metadata.labels is told.writer.store.get(key("b")).metadata.labels


async def test_a_successor_that_we_delete_while_it_is_listed_leaves_no_predecessor(told):
    """The watch had not told yet that another object has the name."""
    told.writer.upsert(thing("a", uid="first", version=1))
    successor = thing("a", uid="second", version=3)
    told.writer.deleted(successor, at=2.0)

    await told.writer.replace({key("a"): successor}, started=1.0)

    assert told.writer.store.get(key("a")) is None


class World:
    """A server's objects with their history, seen by a writer through events that come late, twice or in any order."""

    def __init__(self) -> None:
        self.versions = itertools.count(1)
        self.uids = itertools.count(1)
        self.objects: dict[Key, object] = {}
        self.events: list[tuple[str, object]] = []
        self.told = Told()
        self.seen: dict[Key, object] = {}
        self.told.writer.subscribe(self._tell)

    def change(self, name: str, *, ours: bool) -> None:
        """Create or change an object; if it is ours we know the answer at once."""
        held = self.objects.get(key(name))
        uid = held.metadata.uid if held is not None else f"uid-{next(self.uids)}"
        item = thing(name, uid=uid, version=next(self.versions))
        self.objects[key(name)] = item
        self.events.append(("put", item))
        if ours:
            self.told.writer.wrote(item, at=self._now())

    def delete(self, name: str, *, ours: bool) -> None:
        """Delete an object."""
        held = self.objects.pop(key(name), None)
        if held is None:
            return
        self.events.append(("gone", thing(name, uid=held.metadata.uid, version=next(self.versions))))
        if ours:
            self.told.writer.deleted(held, at=self._now())

    def deliver(self, index: int, *, again: bool) -> None:
        """Let one of the events come through, and perhaps stay to come again."""
        if not self.events:
            return
        index %= len(self.events)
        what, item = self.events[index]
        (self.told.writer.upsert if what == "put" else self.told.writer.remove)(item)
        if not again:
            del self.events[index]

    async def relist(self, between: list[tuple[str, str]]) -> None:
        """The list is as of now; our own writes go on until it is filed. Events from before never come any more."""
        started, listed = self._now(), dict(self.objects)
        self.events.clear()
        await asyncio.sleep(1)
        for what, name in between:
            getattr(self, what)(name, ours=True)
        await self.told.writer.replace(listed, started=started)

    def _tell(self, change: Change) -> None:
        """What a subscriber believes, by changes alone."""
        where = change.object.metadata.key
        assert (self.seen.get(where) is None) == (change.old is None), "an addition of what is there, or a change of what is not"
        if change.new is None:
            del self.seen[where]
        else:
            self.seen[where] = change.new

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


NAMES = st.sampled_from("abc")
OURS = st.tuples(st.sampled_from(("change", "delete")), NAMES)
HAPPENINGS = st.one_of(
    st.tuples(st.just("change"), NAMES, st.booleans()),
    st.tuples(st.just("delete"), NAMES, st.booleans()),
    st.tuples(st.just("deliver"), st.integers(0, 20), st.booleans()),
    st.tuples(st.just("relist"), st.lists(OURS, max_size=3)),
)


@given(happenings=st.lists(HAPPENINGS, max_size=40), order=st.randoms(use_true_random=False))
@settings(max_examples=150)
def test_whatever_comes_in_whichever_order_the_store_becomes_what_the_server_has(happenings, order):
    """Events late, twice or out of order, lists that overlap with writes of ours: in the end the cache is the truth, and so is what was told."""

    async def scenario() -> None:
        world = World()
        for what, *arguments in happenings:
            await asyncio.sleep(1)
            match what:
                case "relist":
                    await world.relist(*arguments)
                case "deliver":
                    world.deliver(arguments[0], again=arguments[1])
                case _:
                    getattr(world, what)(arguments[0], ours=arguments[1])
        while world.events:
            world.deliver(order.randrange(len(world.events)), again=False)

        held = {item.metadata.key: item for item in world.told.writer.store}
        assert world.objects == held
        assert world.objects == world.seen

    virtual.run(scenario())
