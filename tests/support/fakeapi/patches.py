"""The patches a server takes: merge patch (RFC 7386), JSON patch (RFC 6902) and server-side apply (KEP-555)."""

import copy
from typing import Any

from support.fakeapi import fields, status
from support.fakeapi.fields import Entry, FieldSet, Managed, Manager
from support.fakeapi.kinds import Kind, Object, Path
from support.fakeapi.storage import timestamp


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386: null removes, maps merge, everything else replaces."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def json_patch(target: Object, operations: list[dict[str, Any]]) -> Object:
    """RFC 6902. Raises: Refused when an operation does not fit, a failed ``test`` too."""
    document: Any = copy.deepcopy(target)
    for operation in operations:
        try:
            document = _operate(document, operation)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise status.patch_failed() from error
    return document


def _operate(document: Any, operation: dict[str, Any]) -> Any:
    parts = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
    match operation["op"]:
        case "test":
            if _at(document, parts) != operation["value"]:
                raise ValueError(operation["path"])
        case "remove":
            _remove(document, parts)
        case "add":
            return _add(document, parts, copy.deepcopy(operation["value"]))
        case "replace":
            _at(document, parts)
            parent = _at(document, parts[:-1])
            parent[_index(parent, parts[-1])] = copy.deepcopy(operation["value"])
        case "move" | "copy":
            source = [part.replace("~1", "/").replace("~0", "~") for part in operation["from"].split("/")[1:]]
            value = copy.deepcopy(_at(document, source))
            if operation["op"] == "move":
                _remove(document, source)
            return _add(document, parts, value)
        case other:
            raise ValueError(other)
    return document


def _index(parent: Any, part: str) -> Any:
    return int(part) if isinstance(parent, list) else part


def _at(document: Any, parts: list[str]) -> Any:
    for part in parts:
        document = document[_index(document, part)]
    return document


def _remove(document: Any, parts: list[str]) -> None:
    parent = _at(document, parts[:-1])
    del parent[_index(parent, parts[-1])]


def _add(document: Any, parts: list[str], value: Any) -> Any:
    if not parts:
        return value
    parent = _at(document, parts[:-1])
    if isinstance(parent, list):
        parent.insert(len(parent) if parts[-1] == "-" else int(parts[-1]), value)
    else:
        parent[parts[-1]] = value
    return document


def apply(kind: Kind, live: Object, config: Object, who: Manager, *, force: bool) -> tuple[Object, Managed]:
    """Server-side apply: the merged object and who owns what then. The status is changed through its own path alone, which changes metadata too.

    Raises: Refused when another manager owns a field that would change, and ``force`` is false.
    """
    managed = fields.read(live)
    last = managed.get(who)
    if who.subresource == "status":
        half = {name: config[name] for name in ("metadata", "status") if name in config}
    else:
        half = {name: value for name, value in config.items() if name != "status" or not kind.has_status}
    mine = fields.applied(kind, half)
    merged = _merged(kind, copy.deepcopy(live), half, ())
    kept = managed | {who: Entry(mine, timestamp())}
    if last is not None:
        owned = frozenset().union(*(entry.fields for entry in kept.values()))
        for path in sorted(_named(last.fields) - owned, key=len):
            _drop(kind, merged, path, owned)
    written, gone = fields.changed(fields.whole(kind, live), fields.whole(kind, merged))
    fought = [
        (other.name, other.api_version, fields.dotted(path))
        for other, entry in managed.items()
        if other != who
        for path in sorted(entry.fields & written)
    ]
    if fought and not force:
        raise status.manager_conflict(fought)
    kept = fields.without(fields.without(kept, written, but=who), gone)
    return merged, {one: entry for one, entry in kept.items() if entry.fields}


def _merged(kind: Kind, live: Any, config: Any, plain: Path) -> Any:
    if isinstance(config, dict) and isinstance(live, dict) and not kind.is_atom(plain):
        untouched = ("metadata", "managedFields")
        return {**live, **{name: _merged(kind, live.get(name), part, (*plain, name)) for name, part in config.items() if (*plain, name) != untouched}}
    keys = kind.keys(plain)
    if not isinstance(config, list) or not isinstance(live, list) or keys is None:
        return copy.deepcopy(config)
    wanted = {fields.item_key(item, keys): item for item in config}
    found = [
        _merged(kind, item, wanted.pop(name), (*plain, "[]")) if (name := fields.item_key(item, keys)) in wanted else item
        for item in live
    ]  # fmt: skip
    return found + [copy.deepcopy(item) for item in wanted.values()]


def _named(owned: FieldSet) -> FieldSet:
    """These fields and the structs around them: what the server filled in there goes with them."""
    around = {path[:length] for path in owned for length in range(3, len(path))}
    return owned | frozenset(path for path in around if path[-1].startswith("f:"))


def _drop(kind: Kind, obj: Object, path: Path, owned: FieldSet) -> None:
    """Take a path out of an object, unless somebody owns something below it."""
    if any(other[: len(path)] == path for other in owned):
        return
    parent, plain = _parent(kind, obj, path)
    if parent is None:
        return
    if isinstance(parent, dict):
        parent.pop(path[-1][2:], None)
    else:
        keys = kind.keys(plain) or ()
        parent[:] = [item for item in parent if fields.item_key(item, keys) != path[-1]]
    if not parent and len(path) > 2:
        _drop(kind, obj, path[:-1], owned)


def _parent(kind: Kind, obj: Object, path: Path) -> tuple[Any, Path]:
    node: Any = obj
    plain: Path = ()
    for name in path[:-1]:
        if name.startswith("f:"):
            node, plain = node.get(name[2:]), (*plain, name[2:])
        else:
            keys = kind.keys(plain) or ()
            node, plain = next((item for item in node if fields.item_key(item, keys) == name), None), (*plain, "[]")
        if node is None:
            return None, plain
    return node, plain


def update(kind: Kind, live: Object, new: Object, who: Manager, *, status_only: bool) -> Managed:
    """Who owns what after an update, a merge patch or a JSON patch."""
    managed = fields.read(new)
    before = fields.flatten(kind, live, status=status_only)
    after = fields.flatten(kind, new, status=status_only)
    written, gone = fields.changed(before, after)
    entry = managed.get(who, Entry(frozenset(), ""))
    mine = (entry.fields | written) - gone
    managed = fields.without(fields.without(managed, written, but=who), gone)
    managed.pop(who, None)
    return managed | ({who: Entry(mine, entry.time)} if mine else {})
