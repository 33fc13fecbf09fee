"""Who owns which field: the entries of ``metadata.managedFields`` (KEP-555).

An object is taken apart into paths: ``("f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}', "f:name")``. A field set is a set of such paths; a
container that is a member itself has the entry ``"."`` on the wire.
"""

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from support.fakeapi.kinds import Kind, Object, Path
from support.fakeapi.storage import timestamp

FieldSet = frozenset[Path]

CONTAINER = object()
"""The value of a path that has paths below it."""

_UNTRACKED_ROOT = {"apiVersion", "kind"}
_UNTRACKED_META = {
    "name", "namespace", "uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "deletionTimestamp",
    "deletionGracePeriodSeconds", "generateName", "selfLink",
}  # fmt: skip


class Manager(msgspec.Struct, frozen=True):
    """Who wrote, in which way: the identity of one entry."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""


class Entry(msgspec.Struct, frozen=True):
    """What a manager owns, and since when."""

    fields: FieldSet
    time: str


Managed = dict[Manager, Entry]


def flatten(kind: Kind, obj: Object, *, status: bool = False) -> dict[Path, Any]:
    """Every path of an object with its value.

    Args:
        kind: Says how lists merge.
        obj: The object.
        status: Take the status alone; otherwise everything else. Status belongs to its subresource.
    """
    found: dict[Path, Any] = {}
    for field, value in obj.items():
        if field in _UNTRACKED_ROOT or (kind.has_status and (field == "status") != status):
            continue
        if field == "metadata":
            value = {name: part for name, part in value.items() if name not in _UNTRACKED_META}  # noqa: PLW2901
        _flatten(kind, value, (f"f:{field}",), (field,), found)
    return found


def whole(kind: Kind, obj: Object) -> dict[Path, Any]:
    """Every path of an object, the status included."""
    return flatten(kind, obj) | flatten(kind, obj, status=True)


def _flatten(kind: Kind, value: Any, path: Path, plain: Path, found: dict[Path, Any]) -> None:
    if isinstance(value, dict) and not kind.is_atom(plain):
        found[path] = CONTAINER
        for field, part in value.items():
            if isinstance(part, dict | list):
                _flatten(kind, part, (*path, f"f:{field}"), (*plain, field), found)
            else:
                found[*path, f"f:{field}"] = part
        return
    keys = kind.keys(plain) if isinstance(value, list) else None
    if keys is None:
        found[path] = value
        return
    found[path] = CONTAINER
    for item in value:
        at = (*path, item_key(item, keys))
        if keys:
            _flatten(kind, item, at, (*plain, "[]"), found)
        else:
            found[at] = item


def item_key(item: Any, keys: tuple[str, ...]) -> str:
    """How an item of a merging list is named in a field set."""
    if not keys:
        return f"v:{msgspec.json.encode(item).decode()}"
    return "k:" + msgspec.json.encode({key: item.get(key) for key in keys}).decode()


def created(kind: Kind, obj: Object, *, status: bool = False) -> FieldSet:
    """What the creator owns: all of it, but the containers that every object of the kind has."""
    given = {("f:metadata",), ("f:spec",), ("f:status",)} | {tuple(f"f:{part}" for part in path) for path in kind.present}
    every = flatten(kind, obj, status=status)
    return frozenset(path for path, value in every.items() if path not in given or value is not CONTAINER)


def applied(kind: Kind, config: Object) -> FieldSet:
    """What an applier owns: the leaves, the items of lists, and containers that are empty."""
    every = whole(kind, config)
    # Metadata that only says which object is meant is no field of it.
    if every.get(("f:metadata",)) is CONTAINER and not any(path[:1] == ("f:metadata",) and len(path) > 1 for path in every):
        del every["f:metadata",]
    parents = {path[:-1] for path in every}
    return frozenset(path for path, value in every.items() if value is not CONTAINER or path not in parents or path[-1].startswith("k:"))


def changed(old: dict[Path, Any], new: dict[Path, Any]) -> tuple[FieldSet, FieldSet]:
    """Paths that were added or have another value, and paths that are gone."""
    written = frozenset(path for path, value in new.items() if path not in old or old[path] != value)
    return written, frozenset(old.keys() - new.keys())


def without(managed: Managed, fields: FieldSet, *, but: Manager | None = None) -> Managed:
    """Take fields away from everybody, or everybody but one; who has none left is gone."""
    if not fields:
        return managed
    kept = {who: entry if who == but else Entry(entry.fields - fields, entry.time) for who, entry in managed.items()}
    return {who: entry for who, entry in kept.items() if entry.fields}


def read(obj: Object) -> Managed:
    """The entries of an object."""
    entries = obj["metadata"].get("managedFields") or ()
    return {
        Manager(entry.get("manager", ""), entry["operation"], entry["apiVersion"], entry.get("subresource", "")): Entry(
            frozenset(_paths(entry["fieldsV1"], ())), entry.get("time", "")
        )
        for entry in entries
    }


def write(obj: Object, managed: Managed) -> None:
    """Put entries into an object, in the order of a real server."""
    ordered = sorted(managed.items(), key=lambda pair: (pair[0].operation, pair[1].time, pair[0].name, pair[0].api_version, pair[0].subresource))
    entries = [
        {
            "manager": who.name,
            "operation": who.operation,
            "apiVersion": who.api_version,
            "time": entry.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": _tree(entry.fields),
            **({"subresource": who.subresource} if who.subresource else {}),
        }
        for who, entry in ordered
    ]
    if entries:
        obj["metadata"]["managedFields"] = entries
    else:
        obj["metadata"].pop("managedFields", None)


def stamp(managed: Managed, before: Managed) -> Managed:
    """Now is the time of every entry whose fields changed, else it stays what it was."""
    now = timestamp()
    return {
        who: entry if who in before and before[who].fields == entry.fields else Entry(entry.fields, now)
        for who, entry in managed.items()
    }  # fmt: skip


def _paths(tree: dict[str, Any], prefix: Path) -> Iterable[Path]:
    for name, below in tree.items():
        if name == ".":
            yield prefix
        elif below:
            yield from _paths(below, (*prefix, name))
        else:
            yield (*prefix, name)


def _tree(fields: FieldSet) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    # In this order a path comes before what is below it, and names are sorted; "." is smaller than any name.
    for path in sorted(fields):
        node = tree
        for depth, name in enumerate(path):
            below = node.get(name)
            if below is None:
                if not node and depth and path[:depth] in fields:
                    node["."] = {}
                below = node[name] = {}
            node = below
    return tree


def dotted(path: Path) -> str:
    """A path as in messages: ``.spec.ports[port=80,protocol="TCP"].targetPort``."""
    text = ""
    for part in path:
        kind, _, rest = part.partition(":")
        if kind == "f":
            text += f".{rest}"
        elif kind == "k":
            text += "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in json.loads(rest).items()) + "]"
        else:
            text += f"[={rest}]"
    return text
