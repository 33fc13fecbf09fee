"""What is measured (inventory 0.7, rows 59 to 63), and how a Plan that was carried out is counted."""

import pytest
from prometheus_client import generate_latest

from steward.headless import metrics
from steward.headless.config import Config
from steward.headless.model import SERVICES, SLICES
from steward.runtime.plan import OPERATIONS, Create, Delete, Outcome, Plan
from steward.runtime.resource import Key
from steward.telemetry.metrics import exported_labels, problems
from support.builders import pod, service
from support.desk import Desk, children, state

PREFIX = "k8s_headless_service_operator"
WEB = pod("web-0")
KEY = Key("shop", "web-0")
FAILED = RuntimeError("refused")


def carried_out(desk, *failed):
    """Count the plan of the pod as done, but for the kinds that failed."""
    seen = desk.observe(KEY)
    plan = desk.controller.reconcile(seen)
    results = tuple((action, FAILED if action.resource.kind in failed else None) for action in plan.actions)
    desk.controller.concluded(seen, plan, Outcome(results), 0.03)


def operations(desk):
    """The operations that were counted, without those that are 0."""
    family = {(operation, status): desk.sample(f"{PREFIX}_operations_total", operation=operation, status=status) for operation, status in PRESET}
    return {labels: count for labels, count in family.items() if count}


PRESET = [(operation, status) for operation in ("create", "update", "delete") for status in ("success", "error")]


def filed(*manifests):
    desk = Desk()
    desk.file(*manifests)
    return desk


@pytest.mark.parametrize("metric", metrics.ALL, ids=lambda metric: metric.name)
def test_a_metric_keeps_the_rules_and_has_no_pod_in_its_labels(metric):
    """A label of a pod's name is a series for every pod there ever was."""
    assert [] == problems(metric)
    assert metric.name.startswith(f"{PREFIX}_")
    assert {"namespace", "operation", "status", "event_type", "reason"} >= set(exported_labels(metric))


def test_services_are_counted_by_namespace_and_only_ours():
    """Row 59."""
    other = pod("web-0", namespace="other")
    desk = filed(WEB, *children(WEB), *children(pod("web-1")), *children(other), service("by-hand"))

    assert 2 == desk.sample(f"{PREFIX}_services", namespace="shop")
    assert 1 == desk.sample(f"{PREFIX}_services", namespace="other")


def test_a_namespace_without_services_has_no_series():
    desk = filed(*children(WEB))
    desk.drop(children(WEB)[0])

    assert None is desk.sample(f"{PREFIX}_services", namespace="shop")


@pytest.mark.parametrize(("operation", "status"), PRESET)
def test_every_operation_starts_at_0(operation, status):
    """Row 60: the first error is an increase, not a new series."""
    assert 0 == Desk().sample(f"{PREFIX}_operations_total", operation=operation, status=status)


def test_a_service_and_its_endpointslices_are_one_operation():
    """Row 60: the seed counts Services, and pods are what people count."""
    desk = filed(pod("web-0", ips=("10.0.0.1", "fd00::1")))
    carried_out(desk)

    assert {("create", "success"): 1} == operations(desk)


@pytest.mark.parametrize("failed", [["Service"], ["EndpointSlice"], ["Service", "EndpointSlice"]], ids=" and ".join)
def test_an_operation_failed_if_any_part_of_it_did(failed):
    desk = filed(WEB)
    carried_out(desk, *failed)

    assert {("create", "error"): 1} == operations(desk)


def test_each_kind_of_operation_counts_by_itself():
    """A pod with a new address and a new family: one slice is changed, another is made."""
    desk = filed(pod("web-0", ips=("10.0.0.2", "fd00::1")), *children(WEB))
    carried_out(desk)

    assert {("create", "success"): 1, ("update", "success"): 1} == operations(desk)


@pytest.mark.parametrize(("before", "operation"), [((WEB,), "create"), ((pod("web-0", ips=("10.9.9.9",)), *children(WEB)), "update")])
def test_the_words_for_operations_are_those_of_the_seed(before, operation):
    desk = filed(*before)
    carried_out(desk)

    assert {(operation, "success"): 1} == operations(desk)


def test_every_kind_of_action_has_a_word_that_is_a_label():
    assert {"create", "update", "delete"} == set(OPERATIONS.values())


def test_a_look_that_finds_nothing_to_do_is_no_operation():
    desk = filed(WEB, *children(WEB))
    carried_out(desk)

    assert {} == operations(desk)
    assert 0 == desk.sample(f"{PREFIX}_reconcile_duration_seconds_count")


def test_changes_of_pods_are_counted_by_kind():
    """Row 61, and 0 before there was one."""
    desk = Desk()

    assert [0, 0, 0] == [desk.sample(f"{PREFIX}_pod_events_total", event_type=kind) for kind in ("add", "update", "delete")]

    desk.file(WEB, pod("quiet", annotated=False), pod("web-0", ready=False))
    desk.drop(WEB)
    desk.file(service())

    assert [2, 1, 1] == [desk.sample(f"{PREFIX}_pod_events_total", event_type=kind) for kind in ("add", "update", "delete")]


def test_a_pod_made_anew_under_its_name_is_a_deletion_and_an_addition():
    desk = filed(WEB, pod("web-0", uid="new"))

    assert [2, 0, 1] == [desk.sample(f"{PREFIX}_pod_events_total", event_type=kind) for kind in ("add", "update", "delete")]


def test_the_time_of_a_reconcile_falls_into_the_buckets_of_the_alerts():
    """Row 62: 0.03 s is above 0.025 and not above 0.05."""
    desk = filed(WEB)
    carried_out(desk)
    buckets = {le: desk.sample(f"{PREFIX}_reconcile_duration_seconds_bucket", le=le) for le in ("0.005", "0.025", "0.05", "10.0", "+Inf")}

    assert {"0.005": 0, "0.025": 0, "0.05": 1, "10.0": 1, "+Inf": 1} == buckets
    assert 0.03 == desk.sample(f"{PREFIX}_reconcile_duration_seconds_sum")


def test_every_reason_to_skip_is_there_when_nothing_is_skipped():
    """Row 63; test_edge_cases counts each of them."""
    reasons = ("no_ip", "invalid_ip", "name_too_long", "invalid_name", "conflict", "host_network", "terminated")

    assert [0] * 7 == [Desk().sample(f"{PREFIX}_skipped_pods", reason=reason) for reason in reasons]


def test_a_pod_is_skipped_no_longer_than_the_reason_lasts():
    desk = filed(WEB, service("web-0"))

    assert 1 == desk.sample(f"{PREFIX}_skipped_pods", reason="conflict")

    desk.drop(service("web-0"))

    assert 0 == desk.sample(f"{PREFIX}_skipped_pods", reason="conflict")


def test_orphans_are_children_whose_pod_is_gone():
    """Row 63: each object counts, for each is a write; 0 before there was one."""
    desk = filed(*children(WEB))

    assert 0 == desk.sample(f"{PREFIX}_orphans_deleted_total")

    carried_out(desk)

    assert 2 == desk.sample(f"{PREFIX}_orphans_deleted_total")
    assert {("delete", "success"): 1} == operations(desk)


def test_what_a_new_scope_leaves_behind_are_orphans_too():
    desk = Desk(Config(exclude_namespaces=("shop",)))
    desk.file(WEB, *children(WEB))
    carried_out(desk)

    assert 2 == desk.sample(f"{PREFIX}_orphans_deleted_total")


def test_an_orphan_that_could_not_be_deleted_is_none_yet():
    desk = filed(*children(WEB))
    carried_out(desk, "Service", "EndpointSlice")

    assert 0 == desk.sample(f"{PREFIX}_orphans_deleted_total")
    assert {("delete", "error"): 1} == operations(desk)


@pytest.mark.parametrize("then", [pod(annotated=False), pod(deleting=True), pod(uid="new")], ids=["asks no more", "terminating", "made anew"])
def test_children_of_a_pod_that_is_there_are_no_orphans(then):
    desk = filed(then, *children(WEB))
    carried_out(desk)

    assert 0 == desk.sample(f"{PREFIX}_orphans_deleted_total")
    assert {("delete", "success"): 1} == operations(desk)


def test_a_plan_of_mixed_success_counts_the_worst_of_each_operation():
    desk = Desk()
    seen = state(WEB)
    made, gone = (action.desired for action in desk.controller.reconcile(seen).actions)
    results = (
        (Create(SERVICES, made), None),
        (Create(SLICES, gone), FAILED),
        (Delete(SLICES, gone, owned=bool), FAILED),
        (Delete(SLICES, gone, owned=bool), None),
    )
    desk.controller.concluded(seen, Plan(), Outcome(results), 0.0)

    assert {("create", "error"): 1, ("delete", "error"): 1} == operations(desk)


def test_no_pod_name_appears_in_what_is_scraped():
    desk = filed(pod("very-secret-name"), pod("x" * 64), pod("another.secret"), *children(pod("gone-secret")))

    assert "secret" not in generate_latest(desk.registry).decode()
