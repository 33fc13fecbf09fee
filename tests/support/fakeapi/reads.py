"""Get and list."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from support.fakeapi import selectors, status
from support.fakeapi.routes import Ask, Target
from support.fakeapi.storage import Database, Stored


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}


def get(database: Database, target: Target) -> Answer:
    """One object. Raises: Refused (404)."""
    return Answer(200, find(database, target).body(target.kind))


def find(database: Database, target: Target) -> Stored:
    """One object as it is kept. Raises: Refused (404)."""
    found = database.tables[target.kind].get(target.namespace, target.name)
    if found is None:
        raise status.not_found(target.kind, target.name)
    return found


def page(database: Database, ask: Ask, target: Target) -> Answer:
    """A list, or a page of it. Raises: Refused (400, 410, 504)."""
    query = ask.query
    limit, token = int(query.get("limit") or 0), query.get("continue", "")
    version, after = _version(database, query, token)
    try:
        items = database.tables[target.kind].at(version)
    except status.Refused as expired:
        raise (status.expired_token(_token(-1, after)) if token else expired) from None
    wanted = chosen(target, query)
    found = [item for item in items if wanted(item) and (not after or item.key > after)]
    shown = found[:limit] if limit else found
    meta: dict[str, Any] = {"resourceVersion": str(version)}
    if len(shown) < len(found):
        meta["continue"] = _token(version, shown[-1].key)
        if not query.get("labelSelector") and not query.get("fieldSelector"):
            meta["remainingItemCount"] = len(found) - len(shown)
    head = f'{{"kind":"{target.kind.kind}List","apiVersion":"{target.kind.api_version}","metadata":{json.dumps(meta)},"items":['
    return Answer(200, b"".join([head.encode(), b",".join([item.item() for item in shown]), b"]}"]))


def chosen(target: Target, query: Mapping[str, str]) -> Callable[[Stored], bool]:
    """Whether an object is in what is listed or watched. Raises: Refused (400) for a selector that cannot be parsed."""
    within = f"{target.namespace}/" if target.namespace else ""
    labelled = selectors.labels(query["labelSelector"]) if query.get("labelSelector") else None
    named = selectors.fields(query["fieldSelector"]) if query.get("fieldSelector") else None

    def is_chosen(item: Stored) -> bool:
        if within and not item.key.startswith(within):
            return False
        return (labelled is None or labelled(item.labels)) and (named is None or named(*item.key.rsplit("/", 1)))

    return is_chosen


def parse_version(text: str) -> int:
    """A resource version; 0 when none is given. Raises: Refused (400)."""
    if text and not text.isdigit():
        why = f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        raise status.bad_request(f"invalid resource version: resourceVersion: {why}")
    return int(text or 0)


def _version(database: Database, query: Mapping[str, str], token: str) -> tuple[int, str]:
    """The version a list shows, and the key it goes on after."""
    if token:
        try:
            decoded = json.loads(base64.urlsafe_b64decode(token + "=="))
            version, after = int(decoded["rv"]), str(decoded["start"]).rstrip("\0")
        except (ValueError, KeyError, TypeError) as error:
            raise status.bad_request(f"invalid continue token: continue key is not valid: {error}") from error
        return (database.version if version < 0 else version), after
    asked = parse_version(query.get("resourceVersion", ""))
    if asked > database.version:
        raise status.version_too_large(asked, database.version)
    return (asked if query.get("resourceVersionMatch") == "Exact" else database.version), ""


def _token(version: int, after: str) -> str:
    content = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": f"{after}\0"}, separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")
