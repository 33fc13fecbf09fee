"""From a path to what is asked."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple
from urllib.parse import unquote

from support.fakeapi import status
from support.fakeapi.kinds import Kind


class Ask(NamedTuple):
    """A request as it comes off the wire."""

    method: str
    path: str
    query: Mapping[str, str] = {}
    body: bytes = b""
    content_type: str = "application/json"
    agent: str = "tests"
    token: str = ""


class Target(NamedTuple):
    """What a request is about."""

    verb: str
    kind: Kind
    namespace: str
    name: str
    subresource: str


_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
WRITES = frozenset({"create", "update", "patch", "delete"})
SUBRESOURCES = frozenset({"", "status"})


class Router:
    """Knows the paths of all kinds."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._kinds = {(*kind.root.strip("/").split("/"), kind.plural): kind for kind in kinds}
        self.withdrawn: set[str] = set()

    def target(self, ask: Ask) -> Target:
        """What is asked. Raises: Refused (404) for an unknown path."""
        parts = [unquote(part) for part in ask.path.strip("/").split("/")]
        root = 2 if parts[0] == "api" else 3
        head, rest = tuple(parts[:root]), parts[root:]
        namespace = ""
        if len(rest) > 2 and rest[0] == "namespaces" and (*head, rest[2]) in self._kinds:
            namespace, rest = rest[1], rest[2:]
        kind = self._kinds.get((*head, rest[0])) if rest else None
        name, subresource = (*rest[1:], "", "")[:2]
        if (
            kind is None
            or kind.plural in self.withdrawn
            or len(rest) > 3
            or subresource not in SUBRESOURCES
            or (name and kind.namespaced and not namespace)
        ):
            raise status.no_such_resource()
        return Target(self._verb(ask, name), kind, namespace, name, subresource)

    def _verb(self, ask: Ask, name: str) -> str:
        if ask.method == "GET":
            if ask.query.get("watch") in ("true", "1"):
                return "watch"
            return "get" if name else "list"
        verb = _VERBS.get(ask.method)
        if verb is None or (verb == "create") == bool(name):
            raise status.of_code(405)
        return verb


class Match:
    """Which requests a fault hits or a count counts: ``"list pods"``, ``"pods"``, ``"write"``, ``"create services shop/web-*"``.

    Words, each optional, in this order: a verb (``write`` for any that changes something), a plural, and ``namespace/name`` or a name with
    wildcards. ``*`` stands for any.
    """

    def __init__(self, text: str = "") -> None:
        words = text.split()
        self._verbs = frozenset({"get", "list", "watch"} | WRITES)
        if words and (words[0] in self._verbs or words[0] in ("write", "*")):
            word = words.pop(0)
            self._verbs = WRITES if word == "write" else self._verbs if word == "*" else frozenset({word})
        self._plural = words.pop(0) if words else "*"
        where = words.pop(0) if words else "*"
        self._namespace, _, self._name = where.rpartition("/")
        if words:
            raise ValueError(f'"{text}": a match is a verb, a plural and a name, each once and in this order')

    def __call__(self, target: Target, name: str = "") -> bool:
        """Whether a request is meant; ``name`` is that of the body of a create."""
        return (
            target.verb in self._verbs
            and self._plural in ("*", target.kind.plural)
            and self._namespace in ("", "*", target.namespace)
            and fnmatchcase(target.name or name, self._name)
        )
