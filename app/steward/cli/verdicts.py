"""The verdicts of ``steward check``: by which rules, and about what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from steward.cli import manifests, specs
from steward.governance.policies import POLICIES
from steward.governance.rules import Rules, Verdict, evaluate
from steward.governance.templates import TEMPLATES
from steward.runtime.errors import ConfigError

POLICY = (POLICIES.group, POLICIES.kind)
"""API group and kind of a file of rules."""


class Judged(NamedTuple):
    """A pod or pod template that is not over: where it stands, and its verdict."""

    document: manifests.Document
    verdict: Verdict


def judged(files: Iterable[str], rules: Rules, now: dt.datetime) -> Iterator[Judged]:
    """Judge each pod and pod template that is not over.

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
                yield Judged(one.document, verdict)
    if not seen:
        kinds = ", ".join(sorted(kind for _, kind in TEMPLATES))
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
    return specs.read(f"--policy {file}", spec)
