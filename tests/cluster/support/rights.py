"""What a service account is granted, and what it used: one from the roles, the other from the audit log."""

from collections.abc import Callable, Iterable, Iterator

from cluster.support.release import Release
from demolib.workloads import Object

Use = tuple[str, str, str]
"""API group, resource, verb."""

COMPONENT = "app.kubernetes.io/component"


def bound(release: Release, component: str) -> list[Object]:
    """The roles that bindings of a component of the release refer to; others are for people."""

    def own(*kinds: str) -> list[Object]:
        return [one for kind in kinds for one in release.objects(kind) if one["metadata"]["labels"].get(COMPONENT) == component]

    roles = {(role["kind"], role["metadata"]["name"]): role for role in own("roles", "clusterroles")}
    return [roles[binding["roleRef"]["kind"], binding["roleRef"]["name"]] for binding in own("rolebindings", "clusterrolebindings")]


def asked(audit_log: Callable[[str], list[Object]], release: Release, component: str) -> Callable[[], list[Object]]:
    """Reads what a component asked so far, found by the uid of its account: one of an earlier release may have had its name."""
    (account,) = (one for one in release.objects("serviceaccounts") if one["metadata"]["labels"].get(COMPONENT) == component)
    uid = account["metadata"]["uid"]
    return lambda: [entry for entry in audit_log(uid) if entry["user"].get("uid") == uid]


def granted(roles: Iterable[Object]) -> set[Use]:
    """Everything that roles allow."""
    return {
        (group, resource, verb)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def denied(log: Iterable[Object]) -> list[str]:
    """The requests that were refused for lack of a right. A namespace that ends also answers 403, to those who have it (auditing, annotations)."""
    return sorted({f"{entry['verb']} {entry['requestURI']}" for entry in log if _is_denied(entry)})


def _is_denied(entry: Object) -> bool:
    decision = entry.get("annotations", {}).get("authorization.k8s.io/decision")
    return entry.get("responseStatus", {}).get("code") == 401 or decision == "forbid"


def used(log: Iterable[Object]) -> Iterator[Use]:
    """The rights that requests needed. A watch is also one that is still open."""
    for entry in log:
        reference = entry.get("objectRef", {})
        if "resource" in reference:
            resource = "/".join((reference["resource"], *filter(None, [reference.get("subresource")])))
            yield reference.get("apiGroup", ""), resource, entry["verb"]
