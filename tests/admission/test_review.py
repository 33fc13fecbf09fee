"""What a real API server makes of the answers, and each point of what may go wrong there."""

import pytest

from admission.stage import eventually
from support.admission import ALL
from support.containers import container

LATEST = container(image="app:latest")
BARE = container("side", livenessProbe=None, readinessProbe=None, resources=None)
STRICT = {"forbidLatestTag": True}


def test_a_denial_is_403_with_policy_container_and_mend(api, reviewed):
    answer = api.call("POST", reviewed.pods, reviewed.pod(LATEST))

    assert 403 == answer.status
    assert (
        'admission webhook "pods.webhook.steward.dev" denied the request: Denied by DevOpsPolicy: strict: container web: '
        'image "app:latest" has the tag latest. Write a version or a digest.'
    ) == answer.message


def test_a_good_pod_is_written_without_a_word(api, reviewed):
    answer = api.call("POST", reviewed.pods, reviewed.pod())

    assert (201, ()) == (answer.status, answer.warnings)


def test_audit_is_told_as_a_warning_and_in_the_audit_log(api, webhook, configure, namespace, audit_log):
    configure(webhook.port)
    namespace.policy(mode="audit", **ALL)
    eventually(namespace.is_warned)
    answer = api.call("POST", namespace.pods, namespace.pod(LATEST, name="audited"))

    assert 201 == answer.status
    assert (
        'DevOpsPolicy strict: container web: image \\"app:latest\\" has the tag latest. Write a version or a digest. [latest_tag, high]',
    ) == answer.warnings
    eventually(lambda: [one for one in audit_log() if one["objectRef"].get("name") == "audited"])
    notes = next(one["annotations"] for one in audit_log() if one["objectRef"].get("name") == "audited" and one.get("annotations"))
    assert {"strict", "latest_tag(web)=high"} <= {notes.get(f"pods.webhook.steward.dev/{key}") for key in ("policies", "violations")}


def test_a_dry_run_gets_the_same_verdict_and_is_counted_as_one(api, webhook, reviewed):
    before = webhook.counted("requests_total", dry_run="true")
    dry, real = (api.call("POST", f"{reviewed.pods}{query}", reviewed.pod(LATEST)) for query in ("?dryRun=All", ""))

    assert (403, dry.message) == (real.status, real.message)
    assert before + 1 == webhook.counted("requests_total", dry_run="true")


def test_a_dry_run_gets_the_same_warnings(api, webhook, configure, namespace):
    configure(webhook.port)
    namespace.policy(mode="audit", **ALL)
    eventually(namespace.is_warned)
    dry, real = (api.call("POST", f"{namespace.pods}{query}", namespace.pod(LATEST, BARE)) for query in ("?dryRun=All", ""))

    assert (201, 201) == (dry.status, real.status)
    assert 4 == len(dry.warnings)
    assert dry.warnings == real.warnings


def test_a_review_writes_nothing_and_tells_no_event(api, reviewed, audit_log):
    """Whatever it says, dry run or not: in the audit log the program watches, and asks what it may, and that is all."""
    for query in ("?dryRun=All", ""):
        assert 403 == api.call("POST", f"{reviewed.pods}{query}", reviewed.pod(LATEST, name="written")).status
    eventually(lambda: 2 == len([one for one in audit_log() if one["objectRef"].get("name") == "written"]))

    done = {(one["verb"], one["objectRef"]["resource"]) for one in audit_log() if one["userAgent"].startswith("steward")}
    assert ("watch", "devopspolicies") in done
    assert done <= {("list", "devopspolicies"), ("watch", "devopspolicies"), ("create", "selfsubjectaccessreviews")}


def test_a_pod_whose_name_is_generated_is_exempt_by_its_labels(api, webhook, configure, namespace):
    configure(webhook.port)
    namespace.policy(
        **STRICT, exemptions=[{"checks": ["latest_tag"], "reason": "vendor", "expires": "2099-01-01T00:00:00Z", "matchLabels": {"app": "vendor"}}]
    )
    eventually(namespace.is_reviewed)

    def generated(app):
        made = namespace.pod(LATEST, metadata={"generateName": "web-", "labels": {"app": app}})
        del made["metadata"]["name"]
        return api.call("POST", namespace.pods, made).status

    assert (201, 403) == (generated("vendor"), generated("web"))


def test_defaults_of_the_namespace_are_seen(api, webhook, configure, namespace):
    """A LimitRange gives requests before the review, so nobody need write them."""
    configure(webhook.port)
    namespace.policy(requireResources=True, forbidLatestTag=True, severityOverrides={"missingResources": "high"})
    eventually(namespace.is_reviewed)
    without = namespace.pod(container(resources=None))
    before = api.call("POST", f"{namespace.pods}?dryRun=All", without).status
    limits = {"metadata": {"name": "defaults"}, "spec": {"limits": [{"type": "Container", "defaultRequest": {"cpu": "10m"}}]}}
    api.must("POST", f"/api/v1/namespaces/{namespace.name}/limitranges", limits)
    eventually(lambda: api.call("POST", f"{namespace.pods}?dryRun=All", without).status == 201)

    assert 403 == before


def test_a_kubelets_mirror_pod_passes_and_a_users_pod_with_that_annotation_does_not(api, reviewed):
    mirror = reviewed.pod(LATEST, name="static", metadata={"annotations": {"kubernetes.io/config.mirror": "x"}}, nodeName="n1")
    user = api.call("POST", f"{reviewed.pods}?dryRun=All", mirror)
    kubelet = api.call("POST", f"{reviewed.pods}?dryRun=All", mirror, as_=("system:node:n1", "system:nodes", "system:masters"))

    assert (403, 201) == (user.status, kubelet.status)


def test_nobody_else_passes_for_who_they_are(api, reviewed):
    """Neither our own account nor an administrator."""
    for user in ("system:serviceaccount:steward:steward-policy", "admin"):
        assert 403 == api.call("POST", reviewed.pods, reviewed.pod(LATEST), as_=(user, "system:masters")).status


def test_workloads_are_warned_about_when_that_is_wanted(api, webhook, configure, namespace):
    configure(webhook.port, workloads=True)
    namespace.policy(**STRICT)
    eventually(namespace.is_reviewed)
    deployment = {
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [LATEST]}},
        },
    }
    answer = api.call("POST", f"/apis/apps/v1/namespaces/{namespace.name}/deployments", deployment)

    assert 201 == answer.status
    assert answer.warnings[0].startswith("Pod template: DevOpsPolicy strict: container web: ")


TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [LATEST]}}


WORKLOADS = {
    "Deployment": (
        "apis/apps/v1/namespaces/{}/deployments",
        {"selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE},
        {"replicas": 3},
        ("template",),
    ),
    "CronJob": (
        "apis/batch/v1/namespaces/{}/cronjobs",
        {"schedule": "@daily", "jobTemplate": {"spec": {"template": TEMPLATE | {"spec": {"containers": [LATEST], "restartPolicy": "Never"}}}}},
        {"suspend": True},
        ("jobTemplate", "spec", "template"),
    ),
}
"""Where it is written, what, a change of something else, and where in it the template is."""


@pytest.mark.parametrize("kind", WORKLOADS)
def test_who_changes_something_else_of_a_workload_is_not_warned_again(api, webhook, configure, namespace, kind):
    where, spec, aside, path = WORKLOADS[kind]
    where = "/" + where.format(namespace.name)
    configure(webhook.port, workloads=True)
    namespace.policy(**STRICT)
    eventually(namespace.is_reviewed)
    made = api.call("POST", where, {"metadata": {"name": "web"}, "spec": spec})
    before = webhook.counted("requests_total")
    other = api.call("PATCH", f"{where}/web", {"metadata": {"annotations": {"a": "b"}}, "spec": aside})
    asked = webhook.counted("requests_total") - before
    change: dict = {"metadata": {"labels": {"app": "web", "b": "c"}}}
    for step in reversed(path):
        change = {step: change}
    changed = api.call("PATCH", f"{where}/web", {"spec": change})

    assert [201, 200, 200] == [one.status for one in (made, other, changed)]
    assert [True, False, True] == [any(text.startswith("Pod template: ") for text in one.warnings) for one in (made, other, changed)]
    assert 0 == asked
