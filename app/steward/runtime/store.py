"""What the API server last told us, by key and by index.

:class:`Store` is the read side and all a component ever sees; :class:`Writer` belongs to the informer and to
:func:`steward.runtime.apply.perform`, which files the answers of its writes so that the next reconcile does not act on a cache that is
behind (client-go's "expectations", without counting).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

import msgspec

from steward.runtime.backoff import in_slices
from steward.runtime.resource import HasMeta, Key, ObjectMeta, Resource
from steward.runtime.sharing import Sharer

T = TypeVar("T", bound=HasMeta)
V = TypeVar("V")

GONE_LIMIT = 4096
"""Deleted objects remembered, against late events about them. A watch tells in order; what comes late is an answer that crossed an event."""


NAMELESS = Key("", "")
"""Key of an object of which not even the name can be read."""


class Change(NamedTuple, Generic[T]):
    """What happened to one object: added (no old), updated (both), deleted (no new)."""

    old: T | None
    new: T | None

    @property
    def object(self) -> T:
        """The newest state there is."""
        found = self.new if self.new is not None else self.old
        assert found is not None, "a change without an object"
        return found


class Index(msgspec.Struct, Generic[T], frozen=True):
    """A second way to find objects.

    Attributes:
        name: For people.
        values: Under which values an object is found. Pure.
    """

    name: str
    values: Callable[[T], Iterable[str]]


class Store(Generic[T]):
    """Read side of a cache. Objects are frozen; nothing here waits or fails.

    Attributes:
        selector: Label selector of the objects that are here; empty for all.
        served: Whether the API server has such objects. It may not while a CustomResourceDefinition is missing; then the store is empty.
    """

    def __init__(self, resource: Resource[T], indexes: Sequence[Index[T]] = (), *, selector: str = "") -> None:
        self.resource = resource
        self.selector = selector
        self.served = True
        self._objects: dict[Key, T] = {}
        self._indexes: dict[Index[T], dict[str, set[Key]]] = {index: defaultdict(set) for index in indexes}
        self._unreadable: set[Key] = set()

    def index(self, *indexes: Index[T]) -> None:
        """File by these too. Only before there is anything to file."""
        assert not self._objects, "an index would not know what is here already"
        for index in indexes:
            self._indexes.setdefault(index, defaultdict(set))

    @property
    def unreadable(self) -> Collection[Key]:
        """Objects that exist and do not fit their struct: their last readable state is here, or none. Nothing may be concluded from either."""
        return self._unreadable

    def get(self, key: Key) -> T | None:
        """The object under this key, or None: absent, as far as we were told."""
        return self._objects.get(key)

    def by(self, index: Index[T], value: str) -> Sequence[T]:
        """The objects an index files under this value, sorted by key."""
        return [self._objects[key] for key in sorted(self._indexes[index].get(value, ()))]

    def filed(self, index: Index[T]) -> Sequence[T]:
        """The objects an index files under any value; callable from any thread."""
        found = (self._objects.get(key) for keys in list(self._indexes[index].values()) for key in list(keys))
        return [item for item in found if item is not None]

    def __iter__(self) -> Iterator[T]:
        # A copy of the references: scrapes read from other threads while the loop writes. list() of a dict's values is atomic.
        return iter(list(self._objects.values()))

    def __len__(self) -> int:
        return len(self._objects)


class _Written(NamedTuple):
    """A write of ours that the watch has not shown yet: the version of its answer, and when that came."""

    version: int | None
    at: float


class _Gone(NamedTuple):
    """A uid that was deleted: at which version, None for any, and when our own deletion was answered."""

    version: int | None
    at: float = float("-inf")


class Writer(Generic[T]):
    """Write side of a :class:`Store`; tells subscribers of each change, in order.

    Attributes:
        share: Makes equal values of objects one, and empties what nobody reads. A list passes it object by object: afterwards the memory would
            be taken already.
        listed: Objects of a list that is being read.
    """

    def __init__(self, store: Store[T]) -> None:
        self.store = store
        self._subscribers: list[Callable[[Change[T]], None]] = []
        self._written: dict[Key, _Written] = {}
        self._gone: dict[str, _Gone] = {}
        self.share = Sharer(store.resource.shared, self._population, unread=store.resource.unread)
        self.listed = 0

    def subscribe(self, handler: Callable[[Change[T]], None]) -> None:
        """Call ``handler`` with every change from now on. It must not block, wait or raise."""
        self._subscribers.append(handler)

    def upsert(self, item: T) -> None:
        """File an object of an ADDED or MODIFIED event.

        An event of a version we hold or passed, in a write of ours too, is dropped. A new uid under an old key is a deletion and an addition.
        """
        meta = item.metadata
        if self._is_known_better(meta):
            return
        self._written.pop(meta.key, None)
        held = self.store.get(meta.key)
        # Mostly a write of ours, as the watch tells of it: nothing of it is kept, so nothing needs to be shared.
        if held is None or held.metadata.resource_version != meta.resource_version or held.metadata.uid != meta.uid:
            self._put(self.share(item))
        else:
            self.store._unreadable.discard(meta.key)

    def obscure(self, meta: ObjectMeta) -> None:
        """Take note that an object is now something that does not fit its struct. What we hold of it stays, unless that was another one."""
        if self._is_known_better(meta):
            return
        held = self.store.get(meta.key)
        if held is not None and held.metadata.uid != meta.uid:
            self._forget(held.metadata, held, _Gone(None))
        self.store._unreadable.add(meta.key)

    def remove(self, item: T) -> None:
        """Forget an object of a DELETED event, if it is still the one we hold."""
        self._forget(item.metadata, item, _Gone(_version(item.metadata)))

    def lose(self, meta: ObjectMeta) -> None:
        """As :meth:`remove`, of an object that does not fit its struct."""
        self._forget(meta, None, _Gone(_version(meta)))

    async def replace(
        self,
        items: dict[Key, T],
        *,
        started: float,
        within: Callable[[Key], bool] = lambda _: True,
        unreadable: Collection[ObjectMeta] = (),
    ) -> None:
        """Make the store equal to a whole list, with one change for each difference, and let others run in between.

        The list is believed also where it is older than what we hold: a server restored from a backup counts from an earlier version.

        Args:
            items: The list; its objects passed :attr:`share`.
            started: Loop time at which the list was asked for; younger writes of ours are kept.
            within: Which keys the list speaks of.
            unreadable: Objects of the list that do not fit their struct. Where one of them does not even tell its name, no absence is believed.
        """
        obscured = {meta.key for meta in unreadable}
        self.store._unreadable = {key for key in self.store._unreadable if key.name and not within(key)} | obscured
        self._written = {key: written for key, written in self._written.items() if not within(key) or written.at >= started}
        self._gone = {uid: gone for uid, gone in self._gone.items() if gone.at >= started}
        async for key, held in in_slices(self.store._objects.items()):
            listed = items.get(key)
            # Listed and gone since: what we hold is a former object of that name, or it would be gone too.
            is_listed = listed is not None and listed.metadata.uid not in self._gone
            is_absent = within(key) and not is_listed and key not in self._written and self.store.get(key) is held
            if is_absent and key not in obscured and NAMELESS not in obscured:
                self._drop(key, held)
        async for item in in_slices(items.values()):
            if not self._is_behind(item.metadata):
                self._put(item)

    def wrote(self, item: T, *, at: float) -> None:
        """File the server's answer to a create or apply of ours, unless the watch was faster and knows better."""
        if not self._is_known_better(item.metadata):
            self._written[item.metadata.key] = _Written(_version(item.metadata), at)
            self._put(self.share(item))

    def deleted(self, item: T, *, at: float) -> None:
        """File the server's answer to a delete of ours: this object is gone, whatever late events tell."""
        self._forget(item.metadata, None, _Gone(None, at))

    def _population(self) -> int:
        return len(self.store) + self.listed

    def _is_known_better(self, meta: ObjectMeta) -> bool:
        """Whether something tells of a time before what we know."""
        held = self.store.get(meta.key)
        return self._is_behind(meta) or (held is not None and _is_before(_version(meta), _version(held.metadata)))

    def _is_behind(self, meta: ObjectMeta) -> bool:
        """Whether something tells of a time before a write of ours, or of an object that was deleted since."""
        version = _version(meta)
        gone = self._gone.get(meta.uid)
        if gone is not None and (gone.version is None or version is None or version <= gone.version):
            return True
        written = self._written.get(meta.key)
        return written is not None and _is_before(version, written.version)

    def _forget(self, meta: ObjectMeta, last: T | None, gone: _Gone) -> None:
        self._gone[meta.uid] = gone
        if len(self._gone) > GONE_LIMIT:
            del self._gone[next(iter(self._gone))]
        key = meta.key
        held = self.store.get(key)
        if held is None or held.metadata.uid == meta.uid:
            self.store._unreadable.discard(key)
        if held is not None and held.metadata.uid == meta.uid:
            self._written.pop(key, None)
            self._drop(key, last if last is not None else held)

    def _put(self, item: T) -> None:
        key = item.metadata.key
        self.store._unreadable.discard(key)
        held = self.store.get(key)
        if held is not None:
            if held.metadata.resource_version == item.metadata.resource_version and held.metadata.uid == item.metadata.uid:
                return
            if held.metadata.uid != item.metadata.uid:
                self._forget(held.metadata, held, _Gone(None))
                held = None
        if held is not None:
            self._unfile(key, held)
        self.store._objects[key] = item
        for index, filed in self.store._indexes.items():
            for value in index.values(item):
                filed[value].add(key)
        self._tell(Change(held, item))

    def _drop(self, key: Key, last: T) -> None:
        held = self.store._objects.pop(key)
        self._unfile(key, held)
        self._tell(Change(last, None))

    def _unfile(self, key: Key, item: T) -> None:
        for index, filed in self.store._indexes.items():
            for value in index.values(item):
                keys = filed.get(value)
                if keys is not None:
                    keys.discard(key)
                    if not keys:
                        del filed[value]

    def _tell(self, change: Change[T]) -> None:
        for handler in self._subscribers:
            handler(change)


def _version(meta: ObjectMeta) -> int | None:
    """Resource versions of one resource are comparable as integers (KEP-5504)."""
    version = meta.resource_version
    return int(version) if version.isdigit() else None


def _is_before(version: int | None, other: int | None) -> bool:
    return version is not None and other is not None and version < other
