"""The component at work on a fake API server: what it writes, when, and when not."""

import asyncio

import pytest

from steward.policy.config import AuditResults, Config, OpenReports
from steward.runtime.errors import ConfigError
from support.governed import POLICY, pod, policy

pytestmark = [pytest.mark.looptime, pytest.mark.usefixtures("clock")]


async def test_a_policy_gets_its_status_and_its_first_audit_result(api, start):
    api.add(policy())
    api.add(pod("web-0"))
    api.add(pod("web-1", image="app:1"))
    steward = await start()

    await steward.until(lambda: steward.status() and steward.results())

    status = steward.status()
    assert ("1 violation across 2 pods — Healthy (98)", 98, True, 1) == (
        status["message"], status["healthScore"], status["healthy"], status["violations"],
    )  # fmt: skip
    assert [("Ready", "True"), ("Healthy", "True")] == [(one["type"], one["status"]) for one in status["conditions"]]
    (result,) = steward.results()
    assert ("rules", 1, 2, "Healthy") == tuple(result["spec"][field] for field in ("policyName", "totalViolations", "totalPods", "classification"))
    assert [("web-0", "web", "latest_tag", "high")] == [
        (one["podName"], one["containerName"], one["violationType"], one["severity"]) for one in result["spec"]["violations"]
    ]
    assert [api.get("devopspolicies", POLICY)["metadata"]["uid"]] == [owner["uid"] for owner in result["metadata"]["ownerReferences"]]


async def test_a_change_of_a_pod_is_told_at_once(api, start):
    api.add(policy())
    steward = await start()
    await steward.until(steward.status)
    await asyncio.sleep(10)
    begun = asyncio.get_running_loop().time()
    api.add(pod("web-0"))
    await steward.until(lambda: steward.status().get("violations") == 1)
    api.remove("pods", "shop/web-0")
    await steward.until(lambda: steward.status().get("violations", 0) == 0)

    assert asyncio.get_running_loop().time() - begun < 3


async def test_a_steady_state_writes_nothing_for_an_hour(api, start):
    """With looks every 30 seconds, heartbeats of pods and a resync."""
    api.add(policy(maxRestartCount=3))
    for number in range(5):
        api.add(pod(f"web-{number}"))
    steward = await start()
    await steward.until(lambda: steward.status() and steward.results())
    await asyncio.sleep(60)
    before = steward.writes()
    for beat in range(60):
        api.merge("pods", "shop/web-0", {"status": {"conditions": [{"type": "Ready", "message": str(beat)}]}})
        await asyncio.sleep(60)

    assert before == steward.writes()
    assert steward.sample("devopspolicy_last_evaluation_timestamp_seconds", namespace="shop", policy="rules") > 0


async def test_a_condition_of_somebody_else_is_left_alone_and_no_reason_to_write(api, start):
    api.add(policy())
    api.add(pod("web-0"))
    steward = await start()
    await steward.until(lambda: steward.status() and steward.results())
    theirs = {"type": "Approved", "status": "True", "reason": "Review", "message": "", "lastTransitionTime": "2026-11-21T12:00:00Z"}
    api.merge("devopspolicies", POLICY, {"status": {"conditions": [theirs, *steward.status()["conditions"]]}})
    await asyncio.sleep(60)
    before = steward.writes()
    await asyncio.sleep(3600)
    quiet = steward.writes()
    api.add(pod("web-1"))
    await steward.until(lambda: steward.status()["violations"] == 2)

    assert before == quiet
    assert {"Approved", "Ready", "Healthy"} == {one["type"] for one in steward.status()["conditions"]}


async def test_a_heartbeat_of_a_pod_evaluates_nothing(api, start):
    api.add(policy())
    api.add(pod("web-0"))
    steward = await start()
    await steward.until(steward.status)
    before = steward.sample("devopspolicy_pods_scanned_total")
    for beat in range(20):
        api.merge("pods", "shop/web-0", {"status": {"conditions": [{"type": "Ready", "message": str(beat)}]}})
        await asyncio.sleep(1)

    assert before == steward.sample("devopspolicy_pods_scanned_total")


async def test_one_changed_pod_of_a_thousand_is_one_evaluation(api, start):
    api.add(policy())
    for number in range(1000):
        api.add(pod(f"web-{number}", image="app:1"))
    steward = await start()
    await steward.until(steward.status)
    before = steward.sample("devopspolicy_pods_scanned_total")
    api.merge("pods", "shop/web-7", {"spec": {"containers": [{"name": "web", "image": "app"}]}})
    await steward.until(lambda: steward.status().get("violations") == 1)

    assert before + 1 == steward.sample("devopspolicy_pods_scanned_total")


async def test_a_pod_is_late_after_its_time_and_not_before(api, start):
    """By the clock alone: nothing about it changes."""
    api.add(policy(forbidPendingDuration=300))
    api.add(pod("web-0", image="app:1", phase="Pending"))
    api.merge("pods", "shop/web-0", {"metadata": {"creationTimestamp": "2026-11-21T12:00:00Z"}})
    steward = await start()
    await asyncio.sleep(299)
    early = steward.status().get("violations", 0)
    await steward.until(lambda: steward.status().get("violations") == 1, seconds=3)

    assert 0 == early


async def test_an_exemption_ends_by_the_clock_with_an_event(api, start):
    waiver = {"checks": ["latest_tag"], "reason": "vendor has no tags", "expires": "2026-11-21T12:10:00Z"}
    api.add(policy(exemptions=[waiver]))
    api.add(pod("web-0"))
    steward = await start()
    await steward.until(steward.status)
    assert (0, {"active": 1, "expiring": 1}) == (steward.status().get("violations", 0), steward.status()["exemptions"])
    await asyncio.sleep(600)
    await steward.until(lambda: steward.status().get("violations") == 1, seconds=3)

    assert {"expired": 1} == steward.status()["exemptions"]
    assert ["ExemptionExpiring", "ExemptionExpired"] == steward.reasons()
    assert 1 == steward.sample("devopspolicy_exemptions", namespace="shop", policy="rules", state="expired")


async def test_a_burst_of_changes_is_a_few_writes(api, start):
    api.add(policy())
    steward = await start()
    await steward.until(steward.status)
    before = api.requests("patch devopspolicies")
    for number in range(500):
        api.add(pod(f"web-{number}"))
        await asyncio.sleep(0.01)
    await steward.until(lambda: steward.status().get("violations") == 500)

    assert api.requests("patch devopspolicies") - before <= 8
    assert len(steward.results()) <= 2


async def test_the_last_ten_audit_results_are_kept(api, start):
    api.add(policy())
    steward = await start()
    await steward.until(steward.results)
    for number in range(15):
        api.add(pod(f"web-{number}", workload=f"web-{number}"))
        await asyncio.sleep(40)

    names = [one["metadata"]["name"] for one in steward.results()]
    assert 10 == len(names)
    assert 15 == len(steward.results()[-1]["spec"]["violations"])
    assert 16 == steward.sample("devopspolicy_audit_results_total")


async def test_replicas_that_come_and_go_are_no_news(api, start):
    """The same thing is wrong in the same workload."""
    api.add(policy())
    api.add(pod("web-0", workload="web"))
    steward = await start()
    await steward.until(steward.results)
    for number in range(1, 5):
        api.add(pod(f"web-{number}", workload="web"))
        await asyncio.sleep(60)

    assert 5 == steward.status()["violations"]
    assert 1 == len(steward.results())


@pytest.mark.parametrize(
    ("owner", "lasting"), [({"workload": "nightly", "kind": "Job"}, False), ({}, True)], ids=["of a CronJob", "bare, beside what lasts"]
)
async def test_a_hundred_runs_are_no_news(api, start, owner, lasting):
    """Each by a pod, and a Job, of another name; in between there is none. They count while they are there."""
    api.add(policy())
    if lasting:
        api.add(pod("web-0", workload="web"))
    steward = await start(REPORTING)
    seen = set()

    async def run(number):
        job = owner and owner | {"workload": f"nightly-{number}"}
        api.add(pod(f"nightly-{number}-x", **job))
        await asyncio.sleep(20)
        seen.add(steward.status().get("violations", 0))
        api.merge("pods", f"shop/nightly-{number}-x", {"status": {"phase": "Succeeded"}})
        await asyncio.sleep(20)
        api.remove("pods", f"shop/nightly-{number}-x")
        await asyncio.sleep(20)
        seen.add(steward.status().get("violations", 0))

    await run(0)
    history = [steward.results(), api.all("reports")]
    before = api.requests("patch devopspolicies")
    for number in range(1, 100):
        await run(number)

    assert [1, 1] == [len(one) for one in history]
    assert [steward.results(), api.all("reports")] == history
    assert {lasting, 1 + lasting} == seen
    assert 2 * 99 == api.requests("patch devopspolicies") - before, "the status says what is there: two changes for each run"


async def test_a_new_leader_writes_nothing_that_is_written(api, start):
    api.add(policy())
    api.add(pod("web-0"))
    first = await start(lease=True)
    await first.until(lambda: first.status() and first.results())
    await asyncio.sleep(5)
    before = first.writes()
    await first.stop()
    second = await start(lease=True, identity="steward-1")
    await second.until(lambda: second.sample("devopspolicy_reconcile_total", result="success"))
    await asyncio.sleep(120)
    await second.stop()

    assert before == second.writes()


async def test_a_list_too_long_is_cut_with_the_most_severe_first(api, start):
    api.add(policy(maxRestartCount=3))
    for number in range(20):
        api.add(pod(f"web-{number:02}", restarts=9 if number >= 15 else 0))
    steward = await start(Config(audit_results=AuditResults(max_violations=7)))
    await steward.until(steward.results)

    spec = steward.results()[0]["spec"]
    assert (25, 7, 18) == (spec["totalViolations"], len(spec["violations"]), spec["truncated"])
    assert ["critical"] * 5 + ["high"] * 2 == [one["severity"] for one in spec["violations"]]
    assert ["web-00", "web-01"] == [one["podName"] for one in spec["violations"][5:]]


@pytest.mark.parametrize("plural", ["policyauditresults", "devopspolicies"])
async def test_its_definitions_may_come_and_go(api, start, plural):
    api.withdraw("devopspolicies", "policyauditresults")
    steward = await start()
    api.serve("devopspolicies", "policyauditresults")
    api.add(policy())
    api.add(pod("web-0"))
    await steward.until(lambda: steward.status() and steward.results(), seconds=90)
    api.withdraw(plural)
    await asyncio.sleep(60)
    gone = steward.sample("devopspolicy_health_score", namespace="shop", policy="rules")
    api.serve(plural)
    if plural == "devopspolicies":
        api.add(policy())
    await steward.until(lambda: steward.status() and steward.results(), seconds=120)

    assert (gone is None) == (plural == "devopspolicies")
    assert steward.manager.is_ready


async def test_series_go_with_their_policy_and_nothing_holds_it(api, start):
    api.add(policy())
    api.add(pod("web-0"))
    steward = await start()
    await steward.until(steward.results)
    labels = {"namespace": "shop", "policy": "rules"}
    assert 1 == steward.sample("devopspolicy_violations", **labels, type="latest_tag", severity="high")
    assert not api.get("devopspolicies", POLICY)["metadata"].get("finalizers")
    api.remove("devopspolicies", POLICY)
    api.collect_garbage()
    await asyncio.sleep(1)

    assert [] == steward.results()
    for metric in ("devopspolicy_health_score", "devopspolicy_enforcement_mode", "devopspolicy_last_evaluation_timestamp_seconds"):
        assert steward.sample(metric, **labels) is None
    assert steward.sample("devopspolicy_violations", **labels, type="latest_tag", severity="high") is None


async def test_a_spec_that_changes_is_evaluated_anew_also_while_its_status_is_written(api, start):
    api.add(policy())
    api.add(pod("web-0"))
    steward = await start()
    api.delay(0.5, "patch devopspolicies", times=1)
    await steward.until(lambda: api.requests("patch devopspolicies"))
    api.merge("devopspolicies", POLICY, {"spec": {"forbidLatestTag": False, "requireLivenessProbe": True}, "metadata": {"generation": 2}})
    await steward.until(lambda: steward.status().get("observedGeneration") == 2, seconds=5)

    assert 97 == steward.status()["healthScore"]


async def test_health_that_changes_is_an_event(api, start):
    api.add(policy(maxRestartCount=3))
    api.add(pod("web-0", image="app:1"))
    steward = await start()
    await steward.until(steward.status)
    api.merge("pods", "shop/web-0", {"status": {"containerStatuses": [{"name": "web", "restartCount": 9}]}})
    await steward.until(lambda: steward.status()["healthScore"] == 70)
    api.merge("pods", "shop/web-0", {"status": {"containerStatuses": [{"name": "web", "restartCount": 0}]}})
    await steward.until(lambda: steward.status()["healthScore"] == 100)

    assert ["PolicyUnhealthy", "PolicyHealthy"] == steward.reasons()


async def test_a_policy_in_audit_mode_says_what_it_would_deny(api, start):
    """Restarts do not count: a pod that is made anew has none."""
    api.add(policy(maxRestartCount=3, requireReadinessProbe=True))
    api.add(pod("web-0", workload="web"))
    api.add(pod("db-0", image="db:1", restarts=9, workload="db"))
    steward = await start()
    await steward.until(steward.status)
    assert {"deniedPods": 1, "workloads": ["statefulset/shop/web"]} == steward.status()["preview"]
    api.merge("devopspolicies", POLICY, {"spec": {"enforcementMode": "enforce"}, "metadata": {"generation": 2}})
    await steward.until(lambda: steward.status()["observedGeneration"] == 2)

    assert "preview" not in steward.status()
    assert 1 == steward.sample("devopspolicy_enforcement_mode", namespace="shop", policy="rules")


async def test_a_failed_write_is_tried_again_and_counted(api, start):
    api.answer(500, match="patch devopspolicies", seconds=100)
    api.add(policy())
    steward = await start()
    await asyncio.sleep(101)
    await steward.until(steward.status, seconds=61)

    assert steward.sample("devopspolicy_reconcile_errors_total") >= 3
    assert steward.sample("devopspolicy_reconcile_errors_total") == steward.sample("devopspolicy_reconcile_total", result="error")


async def test_a_status_that_is_refused_for_good_holds_up_nothing_else(api, start):
    """The next audit result is due only later; nothing but the clock says so."""
    steward = await start(Config(audit_results=AuditResults(min_interval_seconds=20)))
    api.add(pod("web-0", workload="web"))
    api.add(policy())
    await steward.until(lambda: steward.status() and steward.results())
    api.answer(422, match="patch devopspolicies")
    api.remove("pods", "shop/web-0")

    await steward.until(lambda: [one["spec"].get("totalViolations", 0) for one in steward.results()] == [1, 0], seconds=31)
    assert 1 == steward.status()["violations"]


async def test_the_time_of_a_policy_stands_still_while_what_is_written_about_it_is_refused(api, start):
    """Which is what DevOpsPolicyReconcileStalled looks at; one of many is no share of all that fail."""
    for name in ("rules", "other"):
        api.add(policy(name))
    api.answer(422, match="patch devopspolicies shop/rules")
    steward = await start()
    await asyncio.sleep(900)

    refused, other = (steward.sample("devopspolicy_last_evaluation_timestamp_seconds", namespace="shop", policy=name) for name in ("rules", "other"))
    assert other - refused > 860
    api.heal()
    await asyncio.sleep(31)
    assert steward.sample("devopspolicy_last_evaluation_timestamp_seconds", namespace="shop", policy="rules") > other


async def test_several_policies_of_a_namespace_speak_for_themselves_and_others_are_left_alone(api, start):
    api.add(policy())
    api.add(policy("other", forbidLatestTag=False, requireLivenessProbe=True))
    api.add(policy("elsewhere", "empty"))
    api.add(pod("web-0"))
    steward = await start()
    await steward.until(lambda: all(steward.status(key) for key in (POLICY, "shop/other", "empty/elsewhere")))

    assert [95, 97, 100] == [steward.status(key)["healthScore"] for key in (POLICY, "shop/other", "empty/elsewhere")]


REPORTING = Config(open_reports=OpenReports(enabled=True, max_results=3))


async def test_findings_are_a_report_where_its_kind_is_served(api, start):
    api.add(policy(requireReadinessProbe=True))
    for number in range(3):
        api.add(pod(f"web-{number}", workload="web"))
    api.add(pod("good", image="app:1", workload="good"))
    steward = await start(REPORTING)
    await steward.until(lambda: api.all("reports"))

    (report,) = api.all("reports")
    assert {"pass": 1, "fail": 3, "warn": 4, "error": 0, "skip": 0} == report["summary"]
    assert ["fail"] * 3 == [one["result"] for one in report["results"]]
    first = report["results"][0]
    assert ("steward", "rules", "latest_tag", "high") == tuple(first[field] for field in ("source", "policy", "rule", "severity"))
    assert [{"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "web-0"}] == first["resources"]
    assert {"app.kubernetes.io/managed-by": "steward"} == report["metadata"]["labels"]
    for number in range(3):
        api.remove("pods", f"shop/web-{number}")
    await steward.until(lambda: api.all("reports")[0]["summary"]["fail"] == 0, seconds=60)
    assert 1 == len(api.all("reports")[0]["results"])


async def test_without_the_kind_of_reports_all_else_goes_on(api, start):
    api.withdraw("reports")
    api.add(policy())
    api.add(pod("web-0"))
    steward = await start(REPORTING)
    await steward.until(lambda: steward.status() and steward.results())
    api.serve("reports")
    await steward.until(lambda: api.all("reports"), seconds=90)

    assert 0 == steward.sample("devopspolicy_reconcile_errors_total")


async def test_a_report_of_somebody_else_is_left_alone(api, start):
    api.add({"apiVersion": "openreports.io/v1alpha1", "kind": "Report", "metadata": {"name": "rules-steward", "namespace": "shop"}, "source": "x"})
    api.add(policy())
    steward = await start(REPORTING)
    await steward.until(steward.status)
    await asyncio.sleep(60)

    assert "x" == api.get("reports", "shop/rules-steward")["source"]


@pytest.mark.parametrize("namespace", ["kube-system", "default"])
@pytest.mark.parametrize("mode", ["audit", "enforce"])
async def test_where_admission_denies_nothing_no_policy_claims_to(api, start, namespace, mode):
    """In a system namespace and in our own, which is default here; what is wrong there is found and told all the same."""
    api.add(policy(enforcementMode=mode) | {"metadata": {**policy()["metadata"], "namespace": namespace}})
    api.add(pod("web-0", namespace=namespace))
    steward = await start()
    await steward.until(lambda: steward.status(f"{namespace}/rules"))
    status = steward.status(f"{namespace}/rules")

    assert (1, None) == (status["violations"], status.get("preview"))
    assert status["message"].endswith("; not enforced, for it is a system namespace")
    assert 0 == steward.sample("devopspolicy_enforcement_mode", namespace=namespace, policy="rules")


async def test_which_namespaces_are_of_the_system_is_configured(api, start):
    api.add(policy())
    api.add(pod("web-0"))
    steward = await start(Config(system_namespaces=("sh*",)))
    await steward.until(steward.status)

    assert steward.status()["message"].endswith("system namespace")


def test_a_pattern_that_matches_no_namespace_is_refused():
    with pytest.raises(ConfigError, match=r"config\.systemNamespaces\[0\]"):
        Config(system_namespaces=("Kube",))
