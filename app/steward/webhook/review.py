"""The review: what the policies of a namespace say about a request. Pure; there is no client here to ask the API server with.

The API server waits for the answer with a seat of its own taken, so a review that asked it for anything could starve itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Generator, Iterable

import msgspec

from steward.governance.combining import Finding, judging
from steward.governance.policies import DevOpsPolicy
from steward.governance.rules import evaluate
from steward.governance.violations import Check
from steward.webhook import wording
from steward.webhook.subject import Subject


class Decision(msgspec.Struct, frozen=True):
    """What is answered.

    Attributes:
        allowed: Whether the object may be written.
        message: Why not.
        warnings: What the user is told all the same.
        notes: What the audit log keeps.
        denied: The checks that deny it.
        warned: The checks that are warned about.
    """

    allowed: bool
    message: str = ""
    warnings: tuple[str, ...] = ()
    notes: dict[str, str] = {}
    denied: tuple[Check, ...] = ()
    warned: tuple[Check, ...] = ()


ALLOWED = Decision(allowed=True)
"""Where there is nothing to say."""


def reviewing(
    subject: Subject, policies: Iterable[DevOpsPolicy], *, now: dt.datetime, injected: Collection[str], is_ending: bool
) -> Generator[None, None, Decision]:
    """Judge one request in steps: yields between two policies. How many a namespace has is up to its team, and others wait for an answer too.

    Args:
        subject: What is judged.
        policies: Those of the namespace, in any order.
        now: Decides about exemptions.
        injected: Names of containers that nobody wrote.
        is_ending: Whether the namespace is being deleted: then nothing may keep its pods from going.

    A violation denies a pod if a policy that is enforced finds it and calls it critical or high, and the pod did not have it before.
    """
    asked = [_asking_only(policy, subject.checks) for policy in policies]
    if not asked:
        return ALLOWED
    combined = yield from judging(subject.pod, asked, now=now, workload=subject.workload, injected=injected)
    if combined is None:
        return ALLOWED
    denied: tuple[Finding, ...] = ()
    if not subject.is_template and not is_ending and (denied := combined.denied):
        had = yield from _had(subject, denied, asked, now, injected)
        denied = tuple(one for one in denied if (one.check, one.container) not in had)
    refused = set(denied)
    warned = tuple(one for one in combined.findings if one not in refused)
    return Decision(
        allowed=not denied,
        message=wording.denial(denied) if denied else "",
        warnings=wording.warnings(warned, combined.expired, is_template=subject.is_template),
        notes=wording.notes(combined, (policy.metadata.name for policy in asked)),
        denied=tuple(one.check for one in denied),
        warned=tuple(one.check for one in warned),
    )


def _asking_only(policy: DevOpsPolicy, checks: frozenset[Check]) -> DevOpsPolicy:
    """The policy without what cannot be looked at here."""
    spec = policy.spec
    narrowed = msgspec.structs.replace(
        spec,
        forbid_latest_tag=spec.forbid_latest_tag and "latest_tag" in checks,
        require_liveness_probe=spec.require_liveness_probe and "missing_liveness" in checks,
        require_readiness_probe=spec.require_readiness_probe and "missing_readiness" in checks,
        require_resources=spec.require_resources and "missing_resources" in checks,
        max_restart_count=None,
        forbid_pending_duration=None,
    )
    return msgspec.structs.replace(policy, spec=narrowed)


def _had(
    subject: Subject, denied: Collection[Finding], asked: list[DevOpsPolicy], now: dt.datetime, injected: Collection[str]
) -> Generator[None, None, set[tuple[Check, str]]]:
    """What of this was wrong before. No more policies are asked than it takes to find all of it."""
    found: set[tuple[Check, str]] = set()
    if subject.before is None:
        return found
    places = {(one.check, one.container) for one in denied}
    for policy in asked:
        yield
        verdict = evaluate(subject.before, policy.spec, now=now, workload=subject.workload, injected=injected)
        if verdict is None:
            return set()
        found |= places.intersection((one.check, one.container) for one in verdict.violations)
        if found == places:
            break
    return found
