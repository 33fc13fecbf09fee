"""The verdicts of ``steward check``: by which rules, about what, and how they are told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from steward.cli import explain, manifests
from steward.governance.policies import POLICIES, PolicySpec
from steward.governance.rules import Rules, Verdict, evaluate
from steward.runtime.errors import ConfigError

POLICY = (POLICIES.group, POLICIES.kind)
"""API group and kind of a file of rules."""


def judged(files: Iterable[str], rules: Rules, now: dt.datetime) -> Iterator[tuple[str, Verdict]]:
    """Each pod and pod template that is not over, with its verdict and where it stands.

    Raises: ConfigError when a file cannot be judged, or there is nothing to judge in all of them.
    """
    seen = 0
    for file in files:
        for document in manifests.read(file):
            one = manifests.subject(document)
            if one is None:
                continue
            seen += 1
            verdict = evaluate(one.pod, rules, now=now, workload=one.workload)
            if verdict is not None:
                yield one.where, verdict
    if not seen:
        kinds = ", ".join(sorted(kind for _, kind in manifests.TEMPLATES))
        raise ConfigError(f"{', '.join(files)}: no pod and no workload. Give manifests with {kinds}.")


def policy(file: str) -> Rules:
    """The rules of a policy in a file. Raises: ConfigError."""
    documents = list(manifests.read(file))
    if len(documents) != 1 or documents[0].kind != POLICY:
        kinds = ", ".join(document.kind[1] for document in documents) or "nothing"
        raise ConfigError(f"--policy {file}: expected one {POLICY[1]} of {POLICIES.api_version}, got {kinds}.")
    spec = documents[0].content.get("spec", {})
    if not isinstance(spec, dict):
        raise ConfigError(f"--policy {file}: spec: expected a mapping of keys to values, got {spec!r}.")
    try:
        return msgspec.convert(spec, PolicySpec)
    except msgspec.ValidationError as error:
        raise ConfigError(f"--policy {file}: spec.{explain.invalid(error, spec, msgspec.json.schema(PolicySpec))}") from error


def lines(found: Iterable[tuple[str, Verdict]]) -> Iterator[str]:
    """For people."""
    for where, verdict in found:
        if verdict.violations or verdict.exempted:
            yield f"{verdict.workload} ({where})"
        expired = {one.violation: one.exemption for one in verdict.expired}
        for one in verdict.violations:
            of = f"{one.container}: " if one.container else ""
            late = expired.get(one)
            yield f"  {one.severity:8} {one.check:17} {of}{one.message}" + (
                f" Exempt until {late.expires.isoformat()}: {late.reason}" if late else ""
            )
        for exempted in verdict.exempted:
            violation, exemption = exempted.violation, exempted.exemption
            of = f"{violation.container}: " if violation.container else ""
            by = f", by {exemption.approved_by}" if exemption.approved_by else ""
            yield f"  {'exempt':8} {violation.check:17} {of}until {exemption.expires.isoformat()}{by}: {exemption.reason}"


def result(where: str, verdict: Verdict) -> dict[str, Any]:
    """For machines."""
    return {
        "where": where,
        "namespace": verdict.workload.namespace,
        "kind": verdict.workload.kind,
        "name": verdict.workload.name,
        "violations": verdict.violations,
        "exempted": verdict.exempted,
        "expired": verdict.expired,
    }
