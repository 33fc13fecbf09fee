"""Objects, their versions and their history: the etcd of the fake server.

Objects are kept encoded. A pod of 9 kB is 9 kB here, and five times that as a dictionary; a page of a list is a join of bytes.
"""

import datetime as dt
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from support.fakeapi import status
from support.fakeapi.kinds import Kind, Object

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode

HISTORY = 10_000
"""Changes of one resource that can still be watched from; a real server keeps at most about 100,000 or five minutes."""

FIRST_VERSION = 100
"""Nothing can be watched from before the server started."""


class Stored(NamedTuple):
    """One version of one object.

    ``key`` is ``namespace/name``; ``labels`` stand apart for selectors; ``inner`` is the JSON without the opening brace, kind and apiVersion.
    """

    key: str
    uid: str
    version: int
    labels: dict[str, str]
    inner: bytes

    def item(self) -> bytes:
        """As an item of a list."""
        return b"{" + self.inner

    def body(self, kind: Kind) -> bytes:
        """As an answer, or the object of an event."""
        return b'{"kind":"%b","apiVersion":"%b",%b' % (kind.kind.encode(), kind.api_version.encode(), self.inner)

    def decoded(self) -> Object:
        """A fresh dictionary, without kind and apiVersion."""
        return _decode(self.item())


class Change(NamedTuple):
    """What happened at one version: created (no old), updated (both), deleted (no new; ``last`` is what the event shows)."""

    version: int
    old: Stored | None
    new: Stored | None
    last: Stored | None = None


class Table:
    """All objects of one kind, and what happened to them."""

    def __init__(self, kind: Kind, version: int) -> None:
        self.kind = kind
        self.objects: dict[str, Stored] = {}
        self.history: deque[Change] = deque(maxlen=HISTORY)
        self.compacted = version
        self.listeners: list[Callable[[Change], None]] = []
        self._keys: list[str] = []
        self._snapshots: dict[int, list[Stored]] = {}

    def get(self, namespace: str, name: str) -> Stored | None:
        """The object of this name."""
        return self.objects.get(f"{namespace}/{name}")

    def oldest(self) -> int:
        """The oldest version that a watch can start after."""
        if len(self.history) == self.history.maxlen:
            return max(self.compacted, self.history[0].version)
        return self.compacted

    def sorted(self) -> list[Stored]:
        """Every object in the order of its key, as etcd has it."""
        return [self.objects[key] for key in self._keys]

    def at(self, version: int) -> list[Stored]:
        """Every object as it was at this version.

        Raises: Refused (410) when that is too long ago.
        """
        if not self.history or self.history[-1].version <= version:
            return self.sorted()
        if version < self.oldest():
            raise status.expired_version(version, self.oldest())
        if version not in self._snapshots:
            then = dict(self.objects)
            for change in reversed(self.history):
                if change.version <= version:
                    break
                touched = change.new or change.old
                assert touched is not None
                if change.old is None:
                    del then[touched.key]
                else:
                    then[touched.key] = change.old
            self._snapshots.clear()
            self._snapshots[version] = [then[key] for key in sorted(then)]
        return self._snapshots[version]

    def since(self, version: int) -> Iterable[Change]:
        """What happened after this version.

        Raises: Refused (410) when that is too long ago.
        """
        if version < self.oldest():
            raise status.expired_version(version, self.oldest())
        return [change for change in self.history if change.version > version]

    def commit(self, change: Change) -> None:
        """Make it so, and tell the watches."""
        if change.new is not None:
            if change.old is None:
                insort(self._keys, change.new.key)
            self.objects[change.new.key] = change.new
        else:
            assert change.old is not None
            del self.objects[change.old.key]
            del self._keys[bisect_left(self._keys, change.old.key)]
        self.history.append(change)
        for listener in tuple(self.listeners):
            listener(change)

    def restore(self, objects: dict[str, Stored], version: int) -> None:
        """Have only these objects, and no past."""
        self.objects = dict(objects)
        self._keys = sorted(objects)
        self.history.clear()
        self.compact(version)

    def compact(self, version: int) -> None:
        """Forget what happened up to this version."""
        self.compacted = version
        self._snapshots.clear()


def encode(obj: Object) -> Stored:
    """A version of an object, to keep."""
    meta = obj["metadata"]
    return Stored(
        f"{meta.get('namespace', '')}/{meta['name']}", meta["uid"], int(meta["resourceVersion"]), meta.get("labels") or {}, _encode(obj)[1:]
    )


class Database:
    """All tables, and the one counter of versions they share. Objects here are without kind and apiVersion.

    Attributes:
        lives: Whether the version moves on while no client writes, as it does on every server but an idle one.
    """

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self.version = FIRST_VERSION
        self.lives = True
        self.tables = {kind: Table(kind, self.version) for kind in kinds}
        self._uids = 0
        self._by_plural = {kind.plural: table for kind, table in self.tables.items()}

    def table(self, plural: str) -> Table:
        """The table of a resource by its plural."""
        return self._by_plural[plural]

    def heartbeat(self) -> None:
        """The server writes something of its own, such as its Lease; nobody watches that, but the version moves on."""
        if self.lives:
            self.version += 1

    def insert(self, kind: Kind, obj: Object, *, keep: bool = True) -> Stored:
        """Store a new object, or only say what would be stored; what only the server knows is filled in."""
        meta = obj["metadata"]
        self._uids += 1
        known: dict[str, Any] = {
            "name": meta["name"],
            **({"namespace": meta["namespace"]} if kind.namespaced else {}),
            "uid": f"00000000-0000-4000-8000-{self._uids:012x}",
            "resourceVersion": str(self._next()),
            **({"generation": 1} if kind.counts_generations else {}),
            "creationTimestamp": timestamp(),
        }
        skipped = {*known, "deletionTimestamp", "selfLink", "generation"}
        obj["metadata"] = known | {name: value for name, value in meta.items() if name not in skipped and value not in (None, {}, [])}
        new = encode(obj)
        if keep:
            self.tables[kind].commit(Change(new.version, None, new))
        return new

    def replace(self, kind: Kind, held: Stored, new: Object, *, keep: bool = True) -> Stored:
        """Store a new version of an object, or only say what it would be."""
        new["metadata"]["resourceVersion"] = str(self._next() if keep else held.version)
        stored = encode(new)
        if keep:
            self.tables[kind].commit(Change(stored.version, held, stored))
        return stored

    def remove(self, kind: Kind, held: Stored) -> Stored:
        """Forget an object; what its event shows carries the version of the deletion."""
        obj = held.decoded()
        obj["metadata"]["resourceVersion"] = str(self._next())
        last = encode(obj)
        self.tables[kind].commit(Change(last.version, held, None, last))
        return last

    def _next(self) -> int:
        self.version += 1
        return self.version


def timestamp() -> str:
    """Now, as ``metav1.Time``."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
