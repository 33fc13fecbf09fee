"""What is done about one workload, at each point of its life under remediation."""

import datetime as dt

import msgspec
import pytest

from steward.policy.remediation import additions, history, reasons
from steward.policy.remediation.config import RemediationConfig
from steward.policy.remediation.decision import State, decide
from steward.policy.remediation.history import Record
from steward.policy.remediation.memory import Refusal
from steward.policy.remediation.model import WORKLOADS
from steward.policy.remediation.surroundings import Budget
from steward.runtime import errors
from steward.runtime.errors import Call
from support.workloads import DIRECT, container, managed, policy, read, workload

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
SAID = '{"template":"x","patch":"y"'
OURS = {"f:readinessProbe": {"f:periodSeconds": {}}}
COUNTS = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
PATCHED = workload("Deployment", container(readinessProbe=DIRECT), meta=managed(**OURS))
"""A workload with a readiness probe of ours."""


def _state(manifest=None, *policies, now=NOW, **fields):
    manifest = workload() if manifest is None else manifest
    found = read(manifest)
    known = {
        "policies": policies or (policy(),),
        "is_told": True,
        "record": history.read(found),
        "refusal": None,
        "is_protected": False,
        "is_plain": False,
        "restarts": 0,
        "budgets": (),
        "untouchable": frozenset(),
        "injected": (),
        "busy": 0,
        "recent": (),
        "config": RemediationConfig(enabled=True),
    }
    return State(resource=WORKLOADS[manifest["kind"]], workload=found, now=now, **known | fields)


def _record(manifest=PATCHED, *, result="applied", ago=MINUTE, tries=0, fields=("main.readinessProbe",), template=""):
    return Record(template=template or additions.fingerprint(read(manifest)), patch="p", fields=fields, result=result, at=NOW - ago, tries=tries)


def _body(decision):
    (action,) = decision.plan.actions
    return msgspec.to_builtins(action.desired)


def _told(decision):
    return [event.reason for event in decision.plan.events]


# From nothing to a patch.


@pytest.mark.parametrize("kind", WORKLOADS)
def test_what_is_missing_is_added_under_the_manager_of_remediation(kind):
    decision = decide(_state(workload(kind)))
    (action,) = decision.plan.actions

    assert "kube-devops-operator" == action.manager
    assert action.proof is not None
    assert {"name", "namespace", "annotations"} == _body(decision)["metadata"].keys()
    assert {"metadata", "spec"} == _body(decision)["spec"]["template"].keys()
    assert reasons.APPLIED == action.done.reason
    assert decision.standing.mended
    assert "applied" == decision.record.result


def test_a_workload_that_lacks_nothing_is_of_no_interest():
    assert decide(_state(workload("Deployment", container(readinessProbe=DIRECT, livenessProbe=DIRECT)))) is None


def test_a_workload_that_is_being_deleted_is_of_no_interest():
    assert decide(_state(workload(meta={"deletionTimestamp": "2026-11-21T12:00:00Z"}))) is None


def test_the_second_patch_keeps_the_first():
    """An apply that left the readiness probe out would take it away."""
    decision = decide(_state(PATCHED, record=_record(result="proved")))

    (body,) = _body(decision)["spec"]["template"]["spec"]["containers"]
    assert {"name", "readinessProbe", "livenessProbe"} == body.keys()
    assert DIRECT["tcpSocket"] == body["readinessProbe"]["tcpSocket"]


def test_who_uses_kubectl_apply_is_told_to_add_it_to_the_manifest():
    decision = decide(_state(workload(meta={"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}})))

    assert decision.plan.actions
    assert reasons.CLIENT_APPLIED == decision.plan.done.reason


# Hands off.


@pytest.mark.parametrize(
    ("manifest", "label"),
    [
        (workload(meta={"labels": {"app.kubernetes.io/managed-by": "jsonnet"}}), "owned"),
        (workload(meta={"annotations": {"policy.steward.dev/remediate": "false"}}), "opted_out"),
    ],
)
def test_what_is_not_ours_to_write_is_shown_its_patch(manifest, label):
    decision = decide(_state(manifest))

    assert () == decision.plan.actions
    assert [reasons.PROPOSED] == _told(decision)
    assert label == decision.standing.proposal.reason
    assert "readinessProbe" in decision.standing.proposal.patch
    assert "readinessProbe" in decision.plan.events[0].note


def test_a_protected_namespace_is_shown_its_patches():
    decision = decide(_state(is_protected=True))

    assert () == decision.plan.actions
    assert "protected" == decision.standing.proposal.reason


def test_a_policy_that_audits_shows_the_patch():
    decision = decide(_state(workload(), policy(enforcementMode="audit")))

    assert () == decision.plan.actions
    assert [reasons.PROPOSED] == _told(decision)
    assert "audit" == decision.standing.proposal.reason


def test_the_event_names_the_policies_that_asked():
    decision = decide(_state(workload(), policy("a"), policy("b", enforcementMode="audit"), policy("c")))

    assert decision.plan.actions[0].done.note.endswith("(a, c)")


@pytest.mark.parametrize("spec", [{"enforcementMode": "audit"}, {"forbidLatestTag": True}], ids=["somebody else's to apply", "held back"])
def test_a_proposal_is_all_that_is_to_be_committed(spec):
    """What is ours already is in no manifest either."""
    mended = workload("Deployment", container(image="app", readinessProbe=DIRECT), meta=managed(**OURS))
    patch = decide(_state(mended, policy(**spec))).standing.proposal.patch

    assert "readinessProbe" in patch
    assert "livenessProbe" in patch


def test_pods_may_be_enforced_and_workloads_audited():
    assert () == decide(_state(workload(), policy(remediationMode="audit"))).plan.actions


@pytest.mark.parametrize("ago", [MINUTE, 11 * MINUTE])
def test_what_became_somebody_elses_meanwhile_is_not_even_taken_back(ago):
    theirs = workload("Deployment", container(readinessProbe=DIRECT), meta=managed(**OURS) | {"labels": {"app.kubernetes.io/managed-by": "x"}})

    assert () == decide(_state(theirs, record=_record(theirs, ago=ago), restarts=3)).plan.actions


# Not now.


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({"busy": 1}, "namespace_busy"),
        ({"recent": (NOW,) * 10}, "rate"),
        ({"budgets": (Budget(spec=msgspec.convert({"selector": {}}, type(Budget().spec))),)}, "disruption_budget"),
    ],
)
def test_a_patch_waits_and_looks_again(fields, label):
    decision = decide(_state(**fields))

    assert () == decision.plan.actions
    assert label == decision.standing.label
    assert decision.plan.requeue_after > 0


def test_what_cannot_be_added_is_told_with_the_reason():
    decision = decide(_state(workload("Deployment", container(ports=()))))

    assert [reasons.HELD] == _told(decision)
    assert "declares no TCP port" in decision.plan.events[0].note
    assert "nothing_to_add" == decision.standing.label


@pytest.mark.parametrize(
    ("refusal", "tried"),
    [
        ({"generation": 1, "for_generation": True}, False),
        ({"generation": 0, "for_generation": True}, True),
        ({"generation": 1, "for_generation": False}, False),
        ({"generation": 1, "for_generation": False, "at": NOW - 61 * MINUTE}, True),
    ],
    ids=["conflict", "conflict of a former generation", "refused just now", "refused an hour ago"],
)
def test_what_was_refused_is_not_tried_again_at_once(refusal, tried):
    patch = decide(_state()).record.patch
    decision = decide(_state(refusal=Refusal(patch=patch, note="no", **{"at": NOW} | refusal)))

    assert tried == bool(decision.plan.actions)


def test_a_refused_patch_is_looked_at_again_when_its_time_has_come():
    refusal = Refusal(patch=decide(_state()).record.patch, generation=1, at=NOW - MINUTE, note="no", for_generation=False, tries=2)

    assert 119 * 60 == decide(_state(refusal=refusal)).plan.requeue_after


# Watching and undoing.


def test_a_patched_workload_is_watched_for_ten_minutes():
    decision = decide(_state(PATCHED, record=_record()))

    assert () == decision.plan.actions
    assert 540 == decision.plan.requeue_after


def test_a_longer_progress_deadline_is_waited_for():
    slow = workload("Deployment", container(readinessProbe=DIRECT), meta=managed(**OURS), progressDeadlineSeconds=1800)

    assert 1740 == decide(_state(slow, record=_record(slow))).plan.requeue_after


def test_a_patched_workload_that_fares_well_is_proved_without_another_rollout():
    decision = decide(_state(PATCHED, record=_record(ago=11 * MINUTE)))

    assert "proved" == decision.record.result
    assert [one["name"] for one in _body(decision)["spec"]["template"]["spec"]["containers"]] == ["main"]
    assert decision.plan.actions[0].proof is None


@pytest.mark.parametrize(
    ("manifest", "fields"),
    [
        (PATCHED, {"restarts": 1, "record": _record()}),
        (
            PATCHED | {"status": COUNTS | {"availableReplicas": 1}},
            {"record": _record(ago=11 * MINUTE)},
        ),
        (
            PATCHED | {"status": COUNTS | {"replicas": 3, "updatedReplicas": 1}},
            {"record": _record(ago=11 * MINUTE)},
        ),
    ],
    ids=["restarts", "not available in time", "rollout that hangs"],
)
def test_a_patch_that_hurts_is_taken_back_whole(manifest, fields):
    decision = decide(_state(manifest, **fields))

    assert "template" not in _body(decision).get("spec", {})
    assert reasons.REVERTED == decision.plan.actions[0].done.reason
    assert ("reverted", 1) == (decision.record.result, decision.record.tries)
    assert decision.standing.failed


def test_a_patch_is_taken_back_though_the_policy_has_gone():
    assert decide(_state(PATCHED, policy(enforcementMode="audit"), record=_record(), restarts=1)).plan.actions


@pytest.mark.parametrize(("tries", "days"), [(1, 1), (2, 2), (3, 4)])
def test_what_was_taken_back_is_tried_again_after_a_day_two_four(tries, days):
    after = dt.timedelta(days=days)
    bare = workload()

    def decided(ago):
        return decide(_state(bare, record=_record(bare, result="reverted", ago=ago, tries=tries)))

    assert "backing_off" == decided(after - MINUTE).standing.label
    assert 60 == decided(after - MINUTE).plan.requeue_after
    again = decided(after + MINUTE)
    assert again.plan.actions
    assert tries == again.record.tries


def test_another_template_is_tried_at_once():
    assert decide(_state(workload(), record=_record(result="reverted", tries=3, template="another"))).plan.actions


def test_a_port_that_moved_takes_our_probe_along():
    """The rollout that moved it would wait for our probe for ever."""
    moved = workload("Deployment", container(ports=(9090,), readinessProbe=DIRECT), meta=managed(**OURS) | {"generation": 2})
    decision = decide(_state(moved, record=_record(result="proved")))

    assert "withdrawn" == decision.record.result
    assert "template" not in _body(decision).get("spec", {})
    assert reasons.WITHDRAWN == decision.plan.actions[0].done.reason


def test_a_port_that_moved_does_not_end_a_contest():
    """Somebody took the liveness probe away before."""
    moved = workload("Deployment", container(ports=(9090,), readinessProbe=DIRECT), meta=managed(**OURS) | {"generation": 2})
    decision = decide(_state(moved, record=_record(result="proved", fields=("main.readinessProbe", "main.livenessProbe"))))

    assert "contested" == decision.record.result
    assert reasons.WITHDRAWN == decision.plan.actions[0].done.reason


# Loops.


@pytest.mark.parametrize("result", ["applied", "proved"])
def test_what_somebody_takes_away_is_not_added_again(result):
    bare = workload()
    decision = decide(_state(bare, record=_record(bare, result=result)))

    assert () == decision.plan.actions
    assert [reasons.CONTESTED] == _told(decision)
    assert "contested" == decision.standing.label


def test_what_somebody_took_over_is_nobodys_loss():
    theirs = workload("Deployment", container(readinessProbe=DIRECT, livenessProbe=DIRECT))

    assert decide(_state(theirs, record=_record(workload("Deployment", container(livenessProbe=DIRECT))))) is None


def test_what_was_undone_by_hand_stays_so():
    bare = workload()

    decision = decide(_state(bare, record=_record(bare, result="undone")))

    assert () == decision.plan.actions
    assert ("undone", False) == (decision.standing.label, decision.standing.failed)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"template":"x","patch":"y"}',
        '{"template":"x","patch":"y","at":"2026-11-21T12:00:00"}',
        '{"template":"x","patch":"y","at":"2026-11-21T12:00:00Z","result":"z"}',
        '{"template":"x","patch":"y","at":"9999-12-31T23:59:59Z"}',
        '{"template":"x","patch":"y","at":"0001-01-01T00:00:00Z"}',
    ],
    ids=["cut off", "a list", "without a time", "without a time zone", "another result", "the end of time", "its beginning"],
)
def test_a_broken_record_is_none(text):
    assert history.read(read(workload(meta={"annotations": {"policy.steward.dev/remediation": text}}))) is None


def test_a_mended_workload_is_left_as_it_is_when_the_policy_only_audits():
    whole = workload("Deployment", container(readinessProbe=DIRECT, livenessProbe=DIRECT), meta=managed(**OURS))
    decision = decide(_state(whole, policy(enforcementMode="audit"), record=_record(whole, result="proved")))

    assert () == decision.plan.actions
    assert decision.standing.mended


def test_the_record_of_a_workload_whose_annotation_is_somebody_elses_is_left_out():
    decision = decide(_state(PATCHED, record=_record(), restarts=1, is_plain=True))

    assert {} == _body(decision)["metadata"].get("annotations", {})


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errors.Unproved("its pods would be refused: exceeded quota"), reasons.REFUSED),
        (errors.Conflict(Call("patch", "deployments"), 409, message='conflict with "x"'), reasons.CONFLICT),
        (errors.ServerError(Call("patch", "deployments"), 500), None),
    ],
)
def test_a_failure_is_told_with_the_words_of_the_server(error, reason):
    event = decide(_state()).plan.actions[0].failed(error)

    assert reason == (event and event.reason)
    assert event is None or "exceeded quota" in event.note or "conflict with" in event.note


@pytest.mark.parametrize("mode", ["audit", "enforce"])
def test_nothing_is_added_or_proposed_while_a_policy_of_the_namespace_cannot_be_read(mode):
    """It may hold the exemption."""
    decision = decide(_state(None, policy(remediationMode=mode), is_told=False))

    assert ((), []) == (decision.plan.actions, _told(decision))
    assert decision.standing.proposal is None
    assert decision.plan.requeue_after > 0


def test_what_was_added_is_taken_back_also_while_a_policy_cannot_be_read():
    assert decide(_state(PATCHED, record=_record(), restarts=1, is_told=False)).plan.actions
