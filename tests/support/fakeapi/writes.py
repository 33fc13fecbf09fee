"""Create, update, patch and delete."""

from typing import Any

import msgspec

from support.fakeapi import fields, patches, rules, status
from support.fakeapi.fields import Entry, Manager
from support.fakeapi.kinds import Kind, Object
from support.fakeapi.reads import Answer, find
from support.fakeapi.reviews import Reviews
from support.fakeapi.routes import Ask, Target
from support.fakeapi.storage import Database, Stored, encode, timestamp

APPLY, JSON_PATCH, MERGE_PATCH = "application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"

_SERVERS = ("name", "namespace", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "resourceVersion")
"""Metadata that no update changes."""


def create(database: Database, ask: Ask, target: Target, reviews: Reviews) -> Answer:
    """POST. Raises: Refused."""
    kind, obj = target.kind, _decode(ask, target)
    if not kind.stored:
        verdict = reviews.status(kind.kind, obj.get("spec") or {})
        return Answer(201, msgspec.json.encode({"kind": kind.kind, "apiVersion": kind.api_version, **obj, "status": verdict}))
    meta = obj["metadata"]
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = f"{meta['generateName']}{database.version:05x}"
    name = meta.get("name", "")
    _check_namespace(database, kind, target.namespace, name)
    kind.default(obj)
    fields.write(obj, {_manager(ask, target, "Update"): Entry(fields.created(kind, obj), timestamp())})
    kind.allocate(obj)
    _validate(kind, obj, None)
    if database.tables[kind].get(target.namespace, name) is not None:
        raise status.already_exists(kind, name)
    return Answer(201, database.insert(kind, obj, keep=_is_kept(ask)).body(kind))


def update(database: Database, ask: Ask, target: Target) -> Answer:
    """PUT. Raises: Refused."""
    held = find(database, target)
    return _written(database, ask, target, held, _decode(ask, target))


def patch(database: Database, ask: Ask, target: Target) -> Answer:
    """PATCH in any of its forms. Raises: Refused."""
    if ask.content_type == APPLY:
        return _apply(database, ask, target)
    held = find(database, target)
    wanted, live = _json(ask, target.kind), held.decoded()
    if ask.content_type == JSON_PATCH:
        return _written(database, ask, target, held, patches.json_patch(live, wanted))
    if ask.content_type == MERGE_PATCH:
        return _written(database, ask, target, held, patches.merge(live, wanted))
    raise status.of_code(415)


def _apply(database: Database, ask: Ask, target: Target) -> Answer:
    kind = target.kind
    if not ask.query.get("fieldManager"):
        raise status.manager_required()
    config = _decode(ask, target)
    who = _manager(ask, target, "Apply")
    held = database.tables[kind].get(target.namespace, target.name)
    if held is None:
        return _applied_first(database, ask, config, target, who)
    live = held.decoded()
    if config["metadata"].get("resourceVersion") not in (None, "", str(held.version)):
        raise status.conflict(kind, target.name)
    merged, managed = patches.apply(kind, live, config, who, force=ask.query.get("force") in ("true", "1"))
    kind.default(merged)
    fields.write(merged, fields.stamp(managed, fields.read(live)))
    return _commit(database, ask, target, held, merged)


def _applied_first(database: Database, ask: Ask, config: Object, target: Target, who: Manager) -> Answer:
    """An apply that finds nothing makes the object."""
    kind, name, uid = target.kind, target.name, config["metadata"].get("uid")
    if uid:
        raise status.conflict(kind, name, f"uid mismatch: the provided object specified uid {uid}, and no existing object was found")
    _check_namespace(database, kind, target.namespace, name)
    mine = fields.applied(kind, config)
    kind.default(config)
    fields.write(config, {who: Entry(mine, timestamp())})
    kind.allocate(config)
    _validate(kind, config, None)
    return Answer(201, database.insert(kind, config, keep=_is_kept(ask)).body(kind))


def _written(database: Database, ask: Ask, target: Target, held: Stored, new: Object) -> Answer:
    """The second half of PUT and of the two older patches: versions, ownership of fields, and the write."""
    kind, live = target.kind, held.decoded()
    if new["metadata"].get("resourceVersion") not in (None, "", str(held.version)):
        raise status.conflict(kind, target.name)
    only_status = target.subresource == "status"
    if kind.has_status:
        # Each of the two paths changes its own half, whatever else the body says.
        rest, state = (live, new) if only_status else (new, live)
        new = {**{name: value for name, value in rest.items() if name != "status"}, **({"status": state["status"]} if "status" in state else {})}
    kind.default(new)
    if "managedFields" not in new["metadata"]:
        new["metadata"] = {**new["metadata"], "managedFields": live["metadata"].get("managedFields", [])}
    managed = patches.update(kind, live, new, _manager(ask, target, "Update"), status_only=only_status)
    fields.write(new, fields.stamp(managed, fields.read(live)))
    return _commit(database, ask, target, held, new)


def _commit(database: Database, ask: Ask, target: Target, held: Stored, new: Object) -> Answer:
    """Write a new version, if it is one; an object without its last finalizer is gone."""
    kind, live = target.kind, held.decoded()
    meta = new["metadata"] = dict(new["metadata"])
    if meta.setdefault("uid", held.uid) != held.uid:
        raise status.invalid(kind, target.name, [rules.invalid("metadata.uid", meta["uid"], "field is immutable")] * 2)
    for name in _SERVERS:
        meta.pop(name, None)
        if name in live["metadata"]:
            meta[name] = live["metadata"][name]
    for name in ("labels", "annotations", "ownerReferences", "finalizers"):
        if not meta.get(name, True):
            del meta[name]
    kind.allocate(new)
    _validate(kind, new, live)
    if new == live:
        return Answer(200, held.body(kind))
    if kind.counts_generations and _content(kind, new) != _content(kind, live):
        meta["generation"] = meta.get("generation", 1) + 1
    if meta.get("deletionTimestamp") and live["metadata"].get("finalizers") and not meta.get("finalizers"):
        if _is_kept(ask):
            database.remove(kind, held)
        return Answer(200, encode(new).body(kind))
    return Answer(200, database.replace(kind, held, new, keep=_is_kept(ask)).body(kind))


def delete(database: Database, ask: Ask, target: Target) -> Answer:
    """DELETE. Raises: Refused."""
    held = find(database, target)
    kind, name = target.kind, target.name
    options: dict[str, Any] = _json(ask, kind) if ask.body else {}
    _check_preconditions(kind, held, name, options.get("preconditions") or {})
    obj = held.decoded()
    grace = _grace(kind, obj, options.get("gracePeriodSeconds"))
    if obj["metadata"].get("finalizers") or grace or kind.kind == "Namespace":
        # A namespace waits for a controller that empties it.
        if not obj["metadata"].get("deletionTimestamp"):
            obj["metadata"] |= {"deletionTimestamp": timestamp(), "deletionGracePeriodSeconds": grace}
            held = database.replace(kind, held, obj)
        return Answer(200, held.body(kind))
    last = database.remove(kind, held)
    if kind.returns_deleted:
        return Answer(200, last.body(kind))
    about = {"name": name, "group": kind.group, "kind": kind.plural, "uid": held.uid}
    success = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": {k: v for k, v in about.items() if v}}
    return Answer(200, msgspec.json.encode(success))


def _check_preconditions(kind: Kind, held: Stored, name: str, asked: dict[str, str]) -> None:
    for what, field, found, then in (
        ("UID", "uid", held.uid, "deleted and then recreated"),
        ("ResourceVersion", "resourceVersion", str(held.version), "modified"),
    ):
        if asked.get(field) not in (None, found):
            why = f"the {what} in the precondition ({asked[field]}) does not match the {what} in record ({found}). The object might have been {then}"
            raise status.precondition(kind, name, why)


def _check_namespace(database: Database, kind: Kind, namespace: str, name: str) -> None:
    if not kind.namespaced:
        return
    spaces = database.table("namespaces")
    found = spaces.get("", namespace)
    if found is None:
        raise status.not_found(spaces.kind, namespace)
    if b'"deletionTimestamp"' in found.inner:
        raise status.terminating(kind, name, namespace)


def _decode(ask: Ask, target: Target) -> Object:
    """The body without kind and apiVersion, if it fits the path."""
    kind, obj = target.kind, _json(ask, target.kind)
    if not isinstance(obj, dict) or (obj.get("kind", kind.kind), obj.get("apiVersion", kind.api_version)) != (kind.kind, kind.api_version):
        found = obj.get("kind") if isinstance(obj, dict) else type(obj).__name__
        raise status.bad_request(f'{found} in version "{kind.version}" cannot be handled as a {kind.kind}')
    obj = {name: value for name, value in obj.items() if name not in ("kind", "apiVersion")}
    meta = obj["metadata"] = {name: value for name, value in (obj.get("metadata") or {}).items() if value not in (None, {}, [])}
    if kind.namespaced and meta.setdefault("namespace", target.namespace) != target.namespace:
        raise status.bad_request("the namespace of the provided object does not match the namespace sent on the request")
    if target.name and meta.setdefault("name", target.name) != target.name:
        raise status.bad_request(f"the name of the object ({meta['name']}) does not match the name on the URL ({target.name})")
    return obj


def _json(ask: Ask, kind: Kind) -> Any:
    try:
        return msgspec.json.decode(ask.body)
    except msgspec.DecodeError as error:
        raise status.bad_request(f"the object provided is unrecognized (must be of type {kind.kind}): {error}") from error


def _validate(kind: Kind, new: Object, old: Object | None) -> None:
    name = new["metadata"].get("name", "")
    causes = ([] if old is not None else rules.check_name(kind.kind, name)) + kind.check(new, old)
    if causes:
        raise status.invalid(kind, name, causes)


def _manager(ask: Ask, target: Target, operation: str) -> Manager:
    return Manager(ask.query.get("fieldManager") or ask.agent.partition("/")[0], operation, target.kind.api_version, target.subresource)


def _is_kept(ask: Ask) -> bool:
    """Whether it is no dry run."""
    return ask.query.get("dryRun") != "All"


def _content(kind: Kind, obj: Object) -> Object:
    return {name: value for name, value in obj.items() if name != "metadata" and not (name == "status" and kind.has_status)}


def _grace(kind: Kind, obj: Object, asked: int | None) -> int:
    """Seconds a pod is given: none when no kubelet has it, or it has ended."""
    if kind.kind != "Pod" or not obj["spec"].get("nodeName") or obj.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    return obj["spec"]["terminationGracePeriodSeconds"] if asked is None else asked
