"""The API server's own record of who asked what and when: what a process says about itself proves nothing."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  userGroups: ["system:serviceaccounts:steward"]
- level: None
"""
"""Only Steward is written down."""

READS = frozenset(("get", "list", "watch"))
CHILDREN = frozenset(("services", "endpointslices"))


@dataclass(frozen=True)
class Request:
    """One request that reached the server."""

    at: float
    """Unix time at which it came."""
    answered: float
    """Unix time of the answer, of a watch of its beginning."""
    verb: str
    resource: str
    namespace: str
    name: str
    code: int
    credential: str
    """Id of the token (its claim ``jti``)."""
    is_dry_run: bool

    @property
    def is_write(self) -> bool:
        """Whether it changes anything."""
        return self.verb not in READS and self.resource != "selfsubjectaccessreviews"

    @property
    def is_about_names(self) -> bool:
        """Whether it is about a Service or an EndpointSlice."""
        return self.resource in CHILDREN


class Audit:
    """The log of one API server, from a moment on."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def mark(self) -> int:
        """This moment; only requests after it are of interest."""
        return self._path.stat().st_size if self._path.exists() else 0

    def since(self, mark: int) -> list[Request]:
        """Requests after a moment, in the order they came."""
        with self._path.open("rb") as log:
            log.seek(mark)
            whole, _, _ = log.read().rpartition(b"\n")
        seen: dict[str, Request] = {}
        for line in whole.splitlines():
            entry = json.loads(line)
            seen.setdefault(entry["auditID"], _request(entry))
        return sorted(seen.values(), key=lambda request: request.at)

    def writes(self, mark: int, namespace: str) -> list[Request]:
        """Writes of names in a namespace after a moment."""
        return [request for request in self.since(mark) if request.namespace == namespace and request.is_write and request.is_about_names]


def _request(entry: dict) -> Request:
    about = entry.get("objectRef", {})
    credential = entry["user"].get("extra", {}).get("authentication.kubernetes.io/credential-id", [""])[0]
    return Request(
        at=_unix(entry["requestReceivedTimestamp"]),
        answered=_unix(entry["stageTimestamp"]),
        verb=entry["verb"],
        resource=about.get("resource", ""),
        namespace=about.get("namespace", ""),
        name=about.get("name", ""),
        code=entry.get("responseStatus", {}).get("code", 0),
        credential=credential.removeprefix("JTI="),
        is_dry_run="dryRun=All" in entry["requestURI"],
    )


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
