"""What to do about one workload: the facts in their order, and the plan that follows. Pure."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import NamedTuple

import msgspec

from steward.governance.policies import DevOpsPolicy, Proposal
from steward.governance.violations import Check
from steward.policy.remediation import additions, admission, guards, history, ownership, pace, patch, proof, reasons, rollout
from steward.policy.remediation.additions import Patch
from steward.policy.remediation.config import RemediationConfig
from steward.policy.remediation.drafts import Draft, DraftSpec
from steward.policy.remediation.guards import Held
from steward.policy.remediation.history import Record, Result
from steward.policy.remediation.memory import Refusal, Standing
from steward.policy.remediation.model import MANAGER, RECORD, Workload
from steward.policy.remediation.patch import Wanted
from steward.policy.remediation.surroundings import Budget
from steward.policy.remediation.waiting import Waiting, for_record
from steward.runtime import errors
from steward.runtime.plan import Contribute, Event, Plan, Reason, Reference
from steward.runtime.resource import ObjectMeta, Resource

NOTE_LIMIT = 1000
"""Bytes of a note that hold a patch; the Event's limit is 1 kB."""


JUDGING = dt.timedelta(minutes=1)
"""Time to judge a patch after its deadline, before the next workload of the namespace has its turn."""


class State(msgspec.Struct, frozen=True):
    """All that one decision rests on.

    Attributes:
        resource: Kind of the workload.
        workload: As it is.
        policies: Of its namespace.
        is_told: Whether all of them can be read. Else nobody knows what is asked, nor what an exemption excuses.
        record: The last attempt.
        refusal: The last patch that could not be written.
        is_protected: Whether workloads of its namespace are never patched.
        is_plain: Whether the record cannot be written on the workload.
        restarts: Restarts of patched containers in pods that are younger than the patch.
        budgets: PodDisruptionBudgets of the namespace.
        untouchable: Resources that an autoscaler reckons with.
        injected: Names of containers that a mesh and the like put beside those of the team.
        config: What the user configured.
        now: Wall clock.
        busy: Other workloads of the namespace that are being watched.
        recent: When workloads were patched, in all namespaces.
    """

    resource: Resource[Workload]
    workload: Workload
    policies: tuple[DevOpsPolicy, ...]
    is_told: bool
    record: Record | None
    refusal: Refusal | None
    is_protected: bool
    is_plain: bool
    restarts: int
    budgets: tuple[Budget, ...]
    untouchable: frozenset[str]
    injected: tuple[str, ...]
    config: RemediationConfig
    now: dt.datetime
    busy: int = 0
    recent: tuple[dt.datetime, ...] = ()


class Decision(NamedTuple):
    """A plan, how the workload stands with it, and what is written down when it is carried out.

    Attributes:
        plan: What to do.
        standing: For the status of policies.
        record: The attempt that the plan makes or concludes.
        checks: What it mends, or was to mend.
    """

    plan: Plan
    standing: Standing
    record: Record | None = None
    checks: tuple[Check, ...] = ()

    @property
    def is_attempt(self) -> bool:
        """Whether something is added."""
        return self.record is not None and self.record.result == "applied"


def decide(state: State) -> Decision | None:
    """What to do about a workload; None when it is of no interest: it lacks nothing, and nothing of it is ours."""
    workload = state.workload
    ours = additions.owned(workload)
    if workload.metadata.deletion_timestamp is not None or not (ours or state.policies):
        return None
    hands_off = _hands_off(state)
    judged = (_watch(state, ours) or _stale(state, ours)) if hands_off is None and ours else None
    if judged is None and not state.is_told:
        return Decision(Plan(requeue_after=pace.LOOK_SECONDS, skip="a policy cannot be read"), Standing(mended=bool(ours)))
    return judged or _mend(state, ours, hands_off)


def _mend(state: State, ours: Patch, hands_off: Held | None) -> Decision | None:
    """What to do about what a workload lacks."""
    enforcing = [policy for policy in state.policies if policy.spec.remediates]
    wanted = _wanted(state, enforcing or list(state.policies))
    if not wanted.patch:
        return _nothing_to_add(state, wanted, ours)
    if hands_off is None and not enforcing:
        hands_off = Held("audit", "its policies only audit. Set remediationMode: enforce, or commit the patch.")
    if hands_off is not None:
        return _proposed(state, wanted, ours, hands_off)
    waiting = _waits(state, ours, wanted)
    return _held(state, wanted, ours, waiting) if waiting is not None else _apply(state, ours, wanted)


def deadline(workload: Workload, record: Record, config: RemediationConfig) -> dt.datetime:
    """When a patch is judged."""
    return record.at + dt.timedelta(seconds=rollout.deadline_seconds(workload, config.observation_seconds))


def is_watched(record: Record | None, workload: Workload, config: RemediationConfig, now: dt.datetime) -> bool:
    """Whether a patch is yet to be judged. One that is contested, or whose workload is somebody else's by now, never will be."""
    return record is not None and record.result == "applied" and now < deadline(workload, record, config) + JUDGING


def _hands_off(state: State) -> Held | None:
    """Why nothing at all may be written to the workload, not even to take something back."""
    workload = state.workload
    if state.is_protected:
        return Held("protected", "its namespace is protected (config.systemNamespaces, config.remediation.protectedNamespaces).")
    if guards.is_opted_out(workload):
        return Held("opted_out", "its annotation policy.steward.dev/remediate says false.")
    owner = ownership.owner_of(state.resource, workload, state.config)
    if owner is not None:
        return Held("owned", f"it belongs to {owner.name} ({owner.proof}). Commit the patch where it comes from.")
    return None


def _watch(state: State, ours: Patch) -> Decision | None:
    """A patch that is yet to be judged: undone, waited for, or proved."""
    record, workload = state.record, state.workload
    if record is None or record.result != "applied" or history.lost(workload, record):
        return None
    if state.restarts:
        return _take_back(state, record, "reverted", reasons.REVERTED, f"containers were restarted since the patch ({state.restarts} times)")
    left = (deadline(workload, record, state.config) - state.now).total_seconds()
    if left > 0:
        return Decision(Plan(requeue_after=left, skip="watched"), Standing(mended=True))
    if not (rollout.is_settled(workload) and rollout.is_available(workload)):
        return _take_back(state, record, "reverted", reasons.REVERTED, "it did not become available in time")
    done = _event(state, reasons.PROVED, "it is available, and no patched container was restarted", "Prove")
    proved = history.concluded(record, "proved", state.now)
    return Decision(Plan(actions=(_write(state, ours, proved, done=done),)), Standing(mended=True), proved)


def _stale(state: State, ours: Patch) -> Decision | None:
    """A probe on a port that is not declared any more: the rollout that took it away waits for us."""
    why = patch.is_stale(state.workload, ours)
    if not why:
        return None
    record = state.record or history.attempt(state.workload, ours, None, state.now)
    result: Result = "contested" if history.left(state.workload, record) == "contested" else "withdrawn"
    return _take_back(state, record, result, reasons.WITHDRAWN, why)


def _take_back(state: State, record: Record, result: Result, reason: Reason, why: str) -> Decision:
    over = history.taken_back(state.workload, record, result, state.now)
    again = f" It is tried again after {over.retry_at():%Y-%m-%d %H:%M} UTC, or for another template." if result == "reverted" else ""
    done = _event(state, reason, f"{', '.join(record.fields)} taken back: {why}.{again}", "Undo")
    standing = Standing(label="backing_off" if result == "reverted" else "", failed=result == "reverted")
    return Decision(Plan(actions=(_write(state, (), over, done=done),)), standing, over, _checks(record))


def _checks(record: Record) -> tuple[Check, ...]:
    """What an attempt mended, by the names of its fields."""
    names = " ".join(record.fields)
    marks: tuple[tuple[str, Check], ...] = (
        (".livenessProbe", "missing_liveness"),
        (".readinessProbe", "missing_readiness"),
        (".resources.", "missing_resources"),
    )
    return tuple(check for mark, check in marks if mark in names)


def _wanted(state: State, policies: list[DevOpsPolicy]) -> Wanted:
    return patch.wanted(
        state.resource.kind,
        state.workload,
        policies,
        present=state.policies,
        untouchable=state.untouchable,
        now=state.now,
        injected=state.injected,
    )


def _nothing_to_add(state: State, wanted: Wanted, ours: Patch) -> Decision | None:
    if not wanted.notes:
        # Whose last patch was taken back lacks something until that is given up.
        return Decision(Plan(skip="as asked"), Standing(mended=True)) if ours else None
    held = Held("nothing_to_add", " ".join(wanted.notes))
    plan = Plan(events=(_event(state, reasons.HELD, held.note, "Skip"),), skip=held.label)
    return Decision(plan, Standing(held.label, mended=bool(ours)), checks=wanted.checks)


def _proposed(state: State, wanted: Wanted, ours: Patch, why: Held) -> Decision:
    """The patch, for those who may apply it."""
    proposal = _proposal(state, wanted, ours, why)
    note = f"not patched: {why.note}\n{proposal.patch}".encode()[:NOTE_LIMIT].decode(errors="ignore")
    events = (_event(state, reasons.PROPOSED, note, "Propose"),)
    return Decision(Plan(events=events, skip=why.label), Standing(why.label, mended=bool(ours), proposal=proposal), checks=wanted.checks)


def _proposal(state: State, wanted: Wanted, ours: Patch, why: Held) -> Proposal:
    """All that is to be committed, what is ours already included: it is in no manifest either."""
    text = additions.manifest(state.resource, state.workload, _whole(state, wanted, ours))
    return Proposal(workload=path(state.resource, state.workload), reason=why.label, message=why.note, patch=text)


def _whole(state: State, wanted: Wanted, ours: Patch) -> Patch:
    return additions.merged(ours, wanted.patch, state.workload.spec.template.spec.containers)


def _waits(state: State, ours: Patch, wanted: Wanted) -> Waiting | None:
    """Why an attempt is not made now, and the seconds after which that may be otherwise."""
    workload, now = state.workload, state.now
    waiting = for_record(workload, state.record, now) if state.record is not None else None
    if waiting is not None:
        return waiting
    if wanted.denied:
        return Waiting(admission.held(wanted.denied))
    if state.refusal is not None and state.refusal.holds(additions.digest(_whole(state, wanted, ours)), workload.metadata.generation, now):
        ends = state.refusal.ends
        return Waiting(Held("refused", state.refusal.note), reasons.REFUSED, (ends - now).total_seconds() if ends is not None else None)
    held = guards.held(workload, state.budgets)
    if held is not None:
        return Waiting(held, seconds=pace.LOOK_SECONDS)
    paced = pace.held(state.config, busy=state.busy, recent=state.recent, now=now)
    return Waiting(paced[0], seconds=paced[1]) if paced is not None else None


def _held(state: State, wanted: Wanted, ours: Patch, waiting: Waiting) -> Decision:
    why, reason, wait = waiting
    # That a rollout runs or a turn has not come passes by itself, and a refusal was told when it came.
    is_news = why.label not in ("rolling_out", "unavailable", "namespace_busy", "rate", "window", "refused")
    events = (_event(state, reason, f"not patched: {why.note}", "Skip"),) if is_news else ()
    failed = why.label in ("contested", "backing_off", "refused")
    proposal = _proposal(state, wanted, ours, why) if failed or why.label in ("admission", "undone") else None
    standing = Standing(why.label, mended=bool(ours), failed=failed, proposal=proposal)
    return Decision(Plan(events=events, requeue_after=wait, skip=why.label), standing, checks=wanted.checks)


def _apply(state: State, ours: Patch, wanted: Wanted) -> Decision:
    workload = state.workload
    whole = _whole(state, wanted, ours)
    record = history.attempt(workload, whole, state.record, state.now)
    names, askers = ", ".join(additions.fields(wanted.patch)), (one.metadata.name for one in state.policies if one.spec.remediates)
    done = _event(state, reasons.APPLIED, f"added {names} ({', '.join(askers)})", "Patch")
    note = "it comes from kubectl apply, which keeps what was added. Add it to the manifest: " + ", ".join(additions.fields(whole))
    warning = _event(state, reasons.CLIENT_APPLIED, note, "Patch") if ownership.is_client_applied(workload) else None
    action = _write(state, whole, record, done=done, is_tried=True)
    return Decision(Plan(actions=(action,), done=warning), Standing(mended=True), record, wanted.checks)


def _write(state: State, whole: Patch, record: Record, *, done: Event, is_tried: bool = False) -> Contribute[Workload]:
    """The write of all our fields and the record; what of ours is not among them goes."""
    workload = state.workload
    meta = workload.metadata
    annotations = {} if state.is_plain else {RECORD: record.annotation()}
    desired = Draft(metadata=ObjectMeta(name=meta.name, namespace=meta.namespace, annotations=annotations), spec=DraftSpec(additions.template(whole)))
    prove = partial(proof.prove, kind=state.resource.kind, workload=workload, desired=desired, patch=whole) if is_tried else None
    failed = partial(_failed, state) if is_tried else None
    return Contribute(state.resource, workload, desired, MANAGER, proof=prove, done=done, failed=failed)


def _failed(state: State, error: Exception) -> Event | None:
    """What to tell when nothing could be written; of what passes by itself nothing."""
    match error:
        case errors.Unproved():
            return _event(state, reasons.REFUSED, f"not patched: {error}", "Patch")
        case errors.Conflict():
            return _event(state, reasons.CONFLICT, f"not patched: {error.message or error.reason}. It is left so until its next generation.", "Patch")
    return None


def path(resource: Resource[Workload], workload: Workload) -> str:
    """``deployment/namespace/name``, as in the status of policies."""
    return "/".join((resource.kind.lower(), *workload.metadata.key))


def _event(state: State, reason: Reason, note: str, action: str) -> Event:
    return Event(Reference.to(state.resource, state.workload.metadata), reason, note, action)
