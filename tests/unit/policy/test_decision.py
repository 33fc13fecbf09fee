"""What is worth writing, decided without a server: a State in, a Plan out."""

import datetime as dt

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.governance.policies import AuditRecord, AuditViolation, DevOpsPolicy
from steward.policy.config import AuditResults, Config, OpenReports
from steward.policy.decision import STATUS_SECONDS, State, is_due, reconcile
from steward.policy.ledger import Ledger
from steward.policy.model import FINDINGS, Report
from steward.policy.results import Findings
from steward.policy.status import NOTHING_MENDED, status_of
from steward.runtime.plan import Apply, Create, Delete, UpdateStatus
from steward.runtime.resource import ChildMeta, ObjectMeta, OwnerReference
from support import governed

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
LONG = 1e9
OWNER = OwnerReference(kind="DevOpsPolicy", name="rules", uid="uid-1", controller=True)
OURS = {"app.kubernetes.io/managed-by": "steward"}
WHOLE = Findings((AuditViolation(pod_name="web-0", violation_type="latest_tag", severity="high", message="no"),))


def policy(**changes):
    made = msgspec.convert(governed.policy(), DevOpsPolicy)
    return msgspec.structs.replace(made, metadata=ObjectMeta(name="rules", namespace="shop", uid="uid-1", generation=1), **changes)


def evaluation(now=NOW):
    return Ledger(policy(), Config(), now).evaluation(now)


def record(number, fingerprint="old"):
    return AuditRecord(
        metadata=ObjectMeta(
            name=f"rules-{number}",
            namespace="shop",
            uid=str(number),
            creation_timestamp=f"2026-11-{number:02}T00:00:00Z",
            labels=OURS,
            annotations={FINDINGS: fingerprint},
            owner_references=(OWNER,),
        )
    )


def report(fingerprint):
    return Report(
        metadata=ChildMeta(name="rules-steward", namespace="shop", labels=OURS, annotations={FINDINGS: fingerprint}, owner_references=(OWNER,))
    )


def state(**changes):
    whole = State(
        policy=policy(),
        found=evaluation(),
        findings=None,
        records=(),
        report=None,
        has_results=True,
        has_reports=False,
        mended=NOTHING_MENDED,
        since_status=LONG,
        since_results=LONG,
        config=Config(),
    )
    return msgspec.structs.replace(whole, **changes)


def settled(**changes):
    """A state in which everything is told."""
    found = evaluation()
    return state(policy=policy(status=status_of(policy(), found, NOTHING_MENDED)), records=(record(1, found.fingerprint),), **changes)


def kinds(plan):
    return [type(action) for action in plan.actions]


def test_what_is_told_is_not_told_again_and_looked_at_in_half_a_minute():
    plan = reconcile(settled())

    assert ((), (), 30.0) == (plan.actions, plan.events, plan.requeue_after)


@given(st.integers(0, 10**6))
def test_time_alone_writes_nothing(seconds):
    found = msgspec.structs.replace(evaluation(), at=NOW + dt.timedelta(seconds=seconds))

    assert () == reconcile(msgspec.structs.replace(settled(), found=found)).actions


def test_a_status_that_was_just_written_waits_for_its_second():
    before = status_of(policy(), msgspec.structs.replace(evaluation(), pods=7), NOTHING_MENDED)
    early = settled(since_status=0.25)
    early = msgspec.structs.replace(early, policy=policy(status=before))

    plan = reconcile(early)

    assert ((), STATUS_SECONDS - 0.25) == (plan.actions, plan.requeue_after)
    assert [UpdateStatus] == kinds(reconcile(msgspec.structs.replace(early, since_status=STATUS_SECONDS)))


def test_another_generation_does_not_wait():
    older = msgspec.structs.replace(status_of(policy(), evaluation(), NOTHING_MENDED), observed_generation=0)

    assert [UpdateStatus] == kinds(reconcile(msgspec.structs.replace(settled(since_status=0.0), policy=policy(status=older))))


def test_findings_are_asked_for_when_they_can_be_written_and_not_before():
    untold = msgspec.structs.replace(settled(), records=(record(1),))

    assert is_due(untold)
    early = msgspec.structs.replace(untold, since_results=10.0)
    assert not is_due(early)
    assert ((), 20.0) == (reconcile(early).actions, reconcile(early).requeue_after)


def test_one_is_written_and_the_oldest_beyond_the_kept_are_deleted_at_once():
    held = tuple(record(number) for number in range(1, 13))
    config = Config(audit_results=AuditResults(retention=10))

    plan = reconcile(msgspec.structs.replace(settled(), records=held, findings=WHOLE, config=config))

    assert [Create, Delete, Delete, Delete] == kinds(plan)
    assert {"rules-1", "rules-2", "rules-3"} == {action.meta.name for action in plan.actions[1:]}
    assert all(action.owned(action.observed) for action in plan.actions[1:])


def test_the_audit_result_of_another_policy_of_the_name_is_not_ours():
    (delete,) = reconcile(
        msgspec.structs.replace(
            settled(), records=(record(1), record(2, evaluation().fingerprint)), config=Config(audit_results=AuditResults(retention=1))
        )
    ).actions

    stranger = msgspec.structs.replace(delete.observed, metadata=msgspec.structs.replace(delete.observed.metadata, owner_references=()))
    assert not delete.owned(stranger)


@pytest.mark.parametrize(
    ("held", "expected"),
    [(None, [Create]), (report("old"), [Apply]), (report(evaluation().fingerprint), [])],
    ids=["none", "an old one", "the same"],
)
def test_a_report_is_made_then_kept_up_to_date(held, expected):
    config = Config(open_reports=OpenReports(enabled=True))
    one = msgspec.structs.replace(settled(), has_reports=True, report=held, config=config)
    one = msgspec.structs.replace(one, findings=WHOLE if one.is_untold else None)

    assert expected == kinds(reconcile(one))


def test_nothing_is_written_about_a_policy_that_is_going():
    going = msgspec.structs.replace(policy().metadata, deletion_timestamp="2026-11-21T12:00:00Z")

    plan = reconcile(state(policy=msgspec.structs.replace(policy(), metadata=going), findings=WHOLE))

    assert ((), "policy_deleted", None) == (plan.actions, plan.skip, plan.requeue_after)


def test_what_was_mended_stays_told_while_it_is_not_known_yet():
    """After a change of leaders, before all workloads have been looked at."""
    told = status_of(policy(), evaluation(), NOTHING_MENDED._replace(applied=2, workloads=("deployment/shop/web",)))
    one = msgspec.structs.replace(settled(), policy=policy(status=told), mended=None)

    assert () == reconcile(one).actions
