"""What each check finds, and in which containers it looks; a case for each row of the table."""

import datetime as dt

import msgspec
import pytest

from steward.governance.bundles import BASELINE, BUNDLES, PERMISSIVE, RESTRICTED, STANDARD
from steward.governance.model import Workload
from steward.governance.rules import Rules
from steward.governance.violations import CHECKS, Severities

BARE = {"name": "web", "image": "app"}
SHA = "sha256:" + "0" * 64

PROBES = {"missing_liveness", "missing_readiness"}


def found(verdict):
    return [(one.check, one.container) for one in verdict.violations]


def restarted(*counts, of="containerStatuses"):
    return {"phase": "Running", of: [{"name": name, "restartCount": count} for name, count in counts]}


@pytest.mark.parametrize(
    ("changes", "checks"),
    [
        ({}, []),
        ({"image": "app:latest"}, ["latest_tag"]),
        ({"image": "app"}, ["latest_tag"]),
        ({"image": "host:5000/app"}, ["latest_tag"]),
        ({"image": "host:5000/app:1"}, []),
        ({"image": f"app:latest@{SHA}"}, []),
        ({"image": "App:1"}, ["latest_tag"]),
        ({"image": None}, ["latest_tag"]),
        ({"livenessProbe": None}, ["missing_liveness"]),
        ({"readinessProbe": None}, ["missing_readiness"]),
        ({"resources": None}, ["missing_resources"]),
        ({"resources": {"requests": {}, "limits": {}}}, ["missing_resources"]),
        ({"resources": {"limits": {"memory": "1Gi"}}}, []),
        ({"resources": {"requests": {"cpu": 1}}}, []),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_container_is_judged_by_what_it_says(judge, good, changes, checks):
    assert [(check, "web") for check in checks] == found(judge(good(**changes)))


STATIC = {"latest_tag", "missing_resources"} | PROBES


@pytest.mark.parametrize(
    ("place", "container", "owner", "checks"),
    [
        ("containers", BARE, "Deployment", STATIC),
        ("containers", BARE, "Job", STATIC - PROBES),
        ("containers", BARE, "CronJob", STATIC - PROBES),
        ("initContainers", BARE, "Deployment", {"latest_tag"}),
        ("initContainers", BARE | {"restartPolicy": "Always"}, "Deployment", STATIC),
        ("initContainers", BARE | {"restartPolicy": "Always"}, "Job", STATIC - PROBES),
        ("ephemeralContainers", BARE, "Deployment", {"latest_tag"}),
    ],
    ids=["app", "app of a Job", "app of a CronJob", "init", "sidecar", "sidecar of a Job", "ephemeral"],
)
def test_each_kind_of_container_is_asked_for_what_it_can_have(judge, good, place, *, container, owner, checks):
    """Other tools ask init containers and Jobs for probes (polaris#112, #215, kube-score#36, #108)."""
    others = () if place == "containers" else (good("other"),)
    spec = {} if place == "containers" else {place: [container]}

    verdict = judge(*(others or (container,)), **spec, workload=Workload("shop", owner, "x"))

    assert {(check, "web") for check in checks} == set(found(verdict))


def test_a_pod_that_a_job_controls_is_one_of_a_job(judge):
    owner = {"kind": "Job", "name": "once", "controller": True}

    verdict = judge(BARE, metadata={"ownerReferences": [owner]})

    assert Workload("shop", "Job", "once") == verdict.workload
    assert not PROBES & {check for check, _ in found(verdict)}


def test_resources_of_the_whole_pod_are_those_of_its_containers(judge, good):
    """KEP-2837."""
    assert [] == found(judge(good(resources=None), resources={"requests": {"cpu": "1"}}))


@pytest.mark.parametrize(("restarts", "count"), [(0, None), (3, None), (4, 4), (5, 5), (6, 5), (900, 5)])
def test_restarts_count_above_the_threshold_and_up_to_five(judge, good, restarts, count):
    verdict = judge(good(), status=restarted(("web", restarts)))

    assert [count] * (count is not None) == [one.count for one in verdict.violations]


def test_only_the_container_that_restarted_too_often_is_named(judge, good):
    """Else a score would fall without a violation."""
    verdict = judge(good("calm"), good("wild"), status=restarted(("calm", 3), ("wild", 4)))

    assert [("high_restarts", "wild")] == found(verdict)
    assert "4 restarts, more than 3. See why: kubectl logs --previous." == verdict.violations[0].message


def test_restarts_of_a_sidecar_count_and_those_of_an_init_container_do_not(judge, good):
    sidecar, init = good("proxy", restartPolicy="Always"), good("wait")
    status = restarted(("proxy", 9), ("wait", 9), of="initContainerStatuses")

    assert [("high_restarts", "proxy")] == found(judge(good(), initContainers=[sidecar, init], status=status))


@pytest.mark.parametrize(
    ("seconds", "phase", "late"),
    [(299, "Pending", False), (300, "Pending", False), (301, "Pending", True), (301, "Running", False), (301, "Unknown", False)],
)
def test_a_pod_may_be_pending_for_the_time_it_is_given(judge, good, now, *, seconds, phase, late):
    """The seed flagged every pending pod at once."""
    created = (now - dt.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

    assert [("pending", "")] * late == found(judge(good(), metadata={"creationTimestamp": created}, status={"phase": phase}))


def test_a_template_has_neither_restarts_nor_a_phase(judge, good):
    assert {"latest_tag", "missing_liveness", "missing_readiness", "missing_resources"} == {check for check, _ in judge(good()).applied}


@pytest.mark.parametrize(
    "more",
    [{"status": {"phase": "Succeeded"}}, {"status": {"phase": "Failed"}}, {"metadata": {"deletionTimestamp": "2026-11-21T11:00:00Z"}}],
    ids=["succeeded", "failed", "going"],
)
def test_a_pod_that_is_over_is_not_judged(judge, more):
    """Pods that completed are nobody's fault (popeye#298), and would dilute a score."""
    assert judge(BARE, **more) is None


def test_what_is_not_asked_is_not_found(judge):
    verdict = judge(BARE, rules=Rules(), status=restarted(("web", 99)) | {"phase": "Pending"})

    assert ((), ()) == (verdict.violations, verdict.applied)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("app", 'image "app" has no tag, which means latest. Write a version or a digest.'),
        ("app:latest", 'image "app:latest" has the tag latest. Write a version or a digest.'),
        ("App:1", 'image "App:1" cannot be pulled: repository "App": must be lower case. Write a name, and a tag or digest.'),
        ("", "no image. Write one."),
    ],
)
def test_a_message_says_what_was_found_and_what_to_write(judge, good, image, said):
    assert [said] == [one.message for one in judge(good(image=image)).violations]


def test_severities_are_the_seeds_and_can_be_changed(judge):
    rules = msgspec.structs.replace(STANDARD, severity_overrides=Severities(pending="critical", latest_tag="low"))

    assert ("high", "medium", "low", "critical", "medium", "medium") == tuple(Severities().of(check) for check in CHECKS)
    assert {"low"} == {one.severity for one in judge(BARE, rules=rules).violations if one.check == "latest_tag"}


@pytest.mark.parametrize(
    ("bundle", "restarts", "seconds", "severities"),
    [
        (RESTRICTED, 3, 300, ("critical", "high", "high", "critical", "high")),
        (PERMISSIVE, 10, 600, ("low", "low", "low", "medium", "low")),
        (BASELINE, None, None, ("high", "medium", "low", "critical", "medium")),
    ],
    ids=["restricted", "permissive", "baseline"],
)
def test_a_bundle_has_the_values_of_the_seed(bundle, restarts, seconds, severities):
    """Inventory 2.8, row 159; the check for resources came later."""
    assert (restarts, seconds) == (bundle.max_restart_count, bundle.forbid_pending_duration)
    assert severities == tuple(bundle.severity_overrides.of(check) for check in CHECKS[:5])


def test_baseline_asks_for_a_tag_and_readiness_and_the_others_for_all(judge):
    checks = {name: {check for check, _ in judge(BARE, rules=rules).applied} for name, rules in BUNDLES.items()}

    assert {"standard": STATIC, "baseline": {"latest_tag", "missing_readiness"}, "restricted": STATIC, "permissive": STATIC} == checks
