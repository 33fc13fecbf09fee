"""What a service account is granted, and what it used: one from the roles, the other from the audit log."""

from collections.abc import Iterable, Iterator

from demolib.workloads import Object

Use = tuple[str, str, str]
"""API group, resource, verb."""


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
    """The requests that were refused for lack of a right."""
    return sorted({f"{entry['verb']} {entry['requestURI']}" for entry in log if entry.get("responseStatus", {}).get("code") in {401, 403}})


def used(log: Iterable[Object]) -> Iterator[Use]:
    """The rights that requests needed. A watch is also one that is still open."""
    for entry in log:
        reference = entry.get("objectRef", {})
        if "resource" in reference:
            yield reference.get("apiGroup", ""), reference["resource"], entry["verb"]
