"""What tests put into the fake server, look at and break."""

import asyncio
from collections.abc import Iterable

import msgspec

from support.fakeapi import faults, fields, patches, status
from support.fakeapi.fields import Entry, Manager
from support.fakeapi.kinds import KINDS, Kind, Object
from support.fakeapi.routes import Match
from support.fakeapi.server import Seen, Server
from support.fakeapi.storage import Stored, timestamp
from support.fakeapi.streams import Dropped, Stream

Backup = tuple[int, dict[str, dict[str, Stored]]]
"""The version and the objects of every resource."""


class FakeAPI(Server):
    """An API server that keeps the promises of a real one until it is told to break them.

    Namespaces ``default`` and ``kube-system`` exist; others are made by :meth:`add` or a request. Everything is allowed until :meth:`deny`.
    Faults last until ``seconds`` have passed or ``times`` requests were hit, and without either until :meth:`heal`. Which requests are meant is
    said by a :class:`Match`: ``"watch pods"``, ``"write"``, ``"create services shop/web-*"``.
    """

    def __init__(self, kinds: Iterable[Kind] = KINDS) -> None:
        super().__init__(kinds)
        self._kinds = {(kind.kind, kind.api_version): kind for kind in self.database.tables}
        for name in ("default", "kube-system"):
            self.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    # What tests put in and look at. No fault and no rule stands in the way.

    def add(self, obj: Object) -> Object:
        """Create an object, and its namespace if it has none yet; the object as stored."""
        kind = self._kinds[obj["kind"], obj["apiVersion"]]
        obj = {name: msgspec.json.decode(msgspec.json.encode(value)) for name, value in obj.items() if name not in ("kind", "apiVersion")}
        namespace = obj["metadata"].setdefault("namespace", "default") if kind.namespaced else ""
        if namespace and self.database.table("namespaces").get("", namespace) is None:
            self.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        if self.database.tables[kind].get(namespace, obj["metadata"]["name"]) is not None:
            raise ValueError(f"{kind.kind} {namespace}/{obj['metadata']['name']} is there already")
        deleting = obj["metadata"].get("deletionTimestamp")
        kind.default(obj)
        if "managedFields" not in obj["metadata"]:
            fields.write(obj, {Manager("test", "Update", kind.api_version): Entry(fields.created(kind, obj), timestamp())})
        kind.allocate(obj)
        stored = self.database.insert(kind, obj)
        return self.merge(kind.plural, stored.key, {"metadata": {"deletionTimestamp": deleting}}) if deleting else stored.decoded()

    def merge(self, plural: str, key: str, patch: Object) -> Object:
        """Change an object by a merge patch, in its status and its metadata too; the object as stored."""
        table = self.database.table(plural)
        held = table.objects[key]
        return self.database.replace(table.kind, held, patches.merge(held.decoded(), patch)).decoded()

    def remove(self, plural: str, key: str) -> None:
        """Delete an object at once, whatever its finalizers."""
        table = self.database.table(plural)
        self.database.remove(table.kind, table.objects[key])

    def get(self, plural: str, key: str) -> Object | None:
        """An object by ``namespace/name``."""
        held = self.database.table(plural).objects.get(key)
        return held.decoded() if held is not None else None

    def all(self, plural: str) -> list[Object]:
        """Every object of a resource."""
        return [held.decoded() for held in self.database.table(plural).sorted()]

    def keys(self, plural: str) -> set[str]:
        """``namespace/name`` of every object of a resource."""
        return set(self.database.table(plural).objects)

    def withdraw(self, *plurals: str) -> None:
        """Delete a CustomResourceDefinition: its objects go, then open watches end, then there is no such path, until :meth:`serve`."""
        for plural in plurals:
            for key in self.keys(plural):
                self.remove(plural, key)
            self.end(f"watch {plural}")
            self._router.withdrawn.add(plural)

    def serve(self, *plurals: str) -> None:
        """The CustomResourceDefinition is there again."""
        self._router.withdrawn.difference_update(plurals)

    def collect_garbage(self) -> None:
        """Delete what belongs to an owner that is gone, as the controller manager does."""
        tables = self.database.tables.values()
        alive = {held.uid for table in tables for held in table.objects.values()}
        for table in tables:
            for held in table.sorted():
                owners = held.decoded()["metadata"].get("ownerReferences") or ()
                if owners and not any(owner["uid"] in alive for owner in owners):
                    self.database.remove(table.kind, held)

    def seen(self, match: str = "") -> list[Seen]:
        """The requests that came, oldest first."""
        wanted = Match(match)
        return [seen for seen in self.journal if wanted(seen.target, seen.name)]

    def requests(self, match: str = "") -> int:
        """How many requests came."""
        return len(self.seen(match))

    def streams(self, match: str = "") -> list[Stream]:
        """The watches that are open."""
        wanted = Match(match)
        return [stream for stream in self._streams if wanted(stream.target)]

    # What goes wrong with requests to come.

    def answer(self, code: int, *, match: str = "", seconds: float | None = None, times: int | None = None, retry_after: int | None = None) -> None:
        """Refuse, with the Status of this code; 429 and 503 may name seconds to wait."""
        self._break(faults.Respond(status.of_code(code, retry_after)), match, seconds, times)

    def conflict(self, match: str = "write", *, times: int | None = 1, seconds: float | None = None) -> None:
        """Answer writes as if somebody had been faster."""
        self._break(faults.Respond(status.of_code(409)), match, seconds, times)

    def gone(self, match: str = "watch", *, how: str = "event", times: int | None = 1) -> None:
        """A version or token is too old.

        Args:
            match: Whose.
            how: ``event``: watches that are open hear an ERROR event, and what happened so far is forgotten; ``status``: the next watches are
                answered with 410; ``continue``: the next pages after a first one are.
            times: How many requests, for the last two.
        """
        if how == "event":
            self.compact()
            for stream in self.streams(match):
                stream.fail(status.expired_version(self.database.version - 1, self.database.version))
        elif how == "status":
            self._break(faults.Respond(status.of_code(410)), match, None, times)
        else:
            self._break(faults.Respond(status.expired_token("")), match, None, times, continued=True)

    def hang(self, match: str = "", *, applied: bool = False, seconds: float | None = None, times: int | None = None) -> None:
        """Never answer; ``applied`` says whether the request is carried out nevertheless."""
        self._break(faults.Hang(applied), match, seconds, times)

    def delay(self, by: float, match: str = "", *, seconds: float | None = None, times: int | None = None) -> None:
        """Carry requests out later, by this many seconds."""
        self._break(faults.Delay(by), match, seconds, times)

    def drop(self, match: str = "", *, applied: bool = False, seconds: float | None = None, times: int | None = 0) -> None:
        """Break the connections of open watches, and of requests to come if ``seconds`` or ``times`` say so."""
        for stream in self.streams(match):
            stream.drop()
        if seconds is not None or times:
            self._break(faults.Drop(applied), match, seconds, times or None)

    def stop(self, seconds: float | None = None) -> None:
        """The server ends: connections break and new ones are refused, until :meth:`start` or for some seconds."""
        self.is_down = True
        for stream in self.streams():
            stream.drop()
        for held in self._held:
            held.set_exception(Dropped())
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, self.start)

    def start(self) -> None:
        """The server is back, with all it had."""
        self.is_down = False

    def backup(self) -> Backup:
        """What :meth:`restore` needs."""
        return self.database.version, {kind.plural: dict(table.objects) for kind, table in self.database.tables.items()}

    def restore(self, backup: Backup) -> None:
        """The server comes back from a backup of etcd: older objects, older versions, new connections."""
        self.database.version, tables = backup
        for plural, objects in tables.items():
            self.database.table(plural).restore(objects, self.database.version)
        for stream in self.streams():
            stream.drop()

    def deny(self, match: str) -> None:
        """Take a right away; access reviews tell it."""
        self._denied.append(Match(match))

    def heal(self) -> None:
        """End all faults but those of streams that are open."""
        self._faults.clear()
        self._lags.clear()
        self._denied.clear()
        self.is_down = False

    # What goes wrong with open watches.

    def end(self, match: str = "") -> None:
        """The server ends streams in good order."""
        for stream in self.streams(match):
            stream.end()

    def silence(self, match: str = "") -> None:
        """Streams stay open and carry nothing any more, not even bookmarks or an end."""
        for stream in self.streams(match):
            stream.silent = True

    def duplicate(self, match: str = "", *, times: int = 1) -> None:
        """Each of the next events is sent twice."""
        for stream in self.streams(match):
            stream.duplicate(times)

    def reorder(self, match: str = "", *, number: int = 2) -> None:
        """The next so many events are held back and sent the other way round."""
        for stream in self.streams(match):
            stream.reorder(number)

    def lag(self, seconds: float, match: str = "") -> None:
        """Events reach watches, open ones and later ones, this many seconds late."""
        self._lags.append((Match(match), seconds))
        for stream in self.streams(match):
            stream.lag = seconds

    def bookmark(self, match: str = "") -> None:
        """Send a bookmark now."""
        for stream in self.streams(match):
            stream.bookmark()

    def compact(self) -> None:
        """Forget what happened so far: older versions and tokens are gone from now on."""
        for table in self.database.tables.values():
            table.compact(self.database.version)

    def _break(self, effect: faults.Effect, match: str, seconds: float | None, times: int | None, *, continued: bool = False) -> None:
        until = asyncio.get_running_loop().time() + seconds if seconds is not None else None
        self._faults.append(faults.Fault(effect, Match(match), until, times, continued))
