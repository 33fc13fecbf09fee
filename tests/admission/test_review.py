"""What a real API server makes of the answers: every path by which a pod is written, and each point of what may go wrong there."""

import pytest

from admission.stage import eventually
from support.admission import ALL
from support.containers import container

LATEST = container(image="app:latest")
STRICT = {"forbidLatestTag": True}

EXCLUDED = "apiserver_admission_match_condition_exclusions_total"
"""The API server's count of calls that it was spared."""


@pytest.fixture
def reviewed(webhook, configure, namespace):
    """A namespace whose pods are reviewed by a policy that denies."""
    configure(webhook.port)
    namespace.policy(**ALL)
    eventually(namespace.is_reviewed)
    return namespace


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


def test_each_path_to_a_pod_is_asked_about_and_no_other(api, webhook, reviewed):
    """Create, a new image, an ephemeral container and a resize; no labels, no status, no deletion."""
    created = reviewed.pod(metadata={"finalizers": ["example.com/wait"]})
    at = f"{reviewed.pods}/web"
    debugger = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "busybox:1"}]}}
    resized = {"spec": {"containers": [{"name": "web", "resources": {"requests": {"cpu": "2"}}}]}}
    steps = {
        "create": lambda: api.must("POST", reviewed.pods, created),
        "image": lambda: api.must("PATCH", at, {"spec": {"containers": [{"name": "web", "image": "app:2"}]}}, patch="strategic-merge"),
        "labels": lambda: api.must("PATCH", at, {"metadata": {"labels": {"a": "b"}}}),
        "status": lambda: api.must("PATCH", f"{at}/status", {"status": {"phase": "Running"}}),
        "debug": lambda: api.must("PATCH", f"{at}/ephemeralcontainers", debugger, patch="strategic-merge"),
        "resize": lambda: api.must("PATCH", f"{at}/resize", resized, patch="strategic-merge"),
        "finalizer": lambda: api.must("PATCH", at, {"metadata": {"finalizers": None}}),
        "delete": lambda: api.must("DELETE", f"{at}?gracePeriodSeconds=0"),
    }
    asked = {}
    for name, step in steps.items():
        before = webhook.counted("requests_total")
        step()
        asked[name] = webhook.counted("requests_total") - before

    assert {"create", "image", "debug", "resize"} == {name for name, calls in asked.items() if calls}


def test_an_update_that_brings_nothing_is_not_even_asked_about(api, webhook, configure, namespace):
    """A finalizer comes off a pod that is as bad as can be, and the API server counts the call that it was spared."""
    bad = namespace.pod(container(image="app:latest", livenessProbe=None), metadata={"finalizers": ["example.com/wait"]})
    api.must("POST", namespace.pods, bad)
    configure(webhook.port)
    namespace.policy(**ALL)
    eventually(namespace.is_reviewed)
    before = api.counted(EXCLUDED)
    api.must("PATCH", f"{namespace.pods}/web", {"metadata": {"finalizers": None}})

    assert api.counted(EXCLUDED) > before


def _image(image, name="web"):
    return {"spec": {"containers": [{"name": name, "image": image}]}}


def test_only_what_an_update_brings_is_denied(api, webhook, configure, namespace):
    api.must("POST", namespace.pods, namespace.pod(container("old", image="app:latest"), container("new")))
    configure(webhook.port)
    namespace.policy(**ALL)
    eventually(namespace.is_reviewed)
    at = f"{namespace.pods}/web"
    worse = api.call("PATCH", at, _image("app:latest", "new"), patch="strategic-merge")

    assert 200 == api.call("PATCH", at, _image("other:latest", "old"), patch="strategic-merge").status
    assert 403 == worse.status
    assert "container new" in worse.message
    assert "container old" not in worse.message.partition("denied the request")[2]


def test_debugging_a_bad_pod_is_only_a_matter_of_the_debuggers_image(api, webhook, configure, namespace):
    api.must("POST", namespace.pods, namespace.pod(container(image="app:latest", livenessProbe=None, resources=None)))
    configure(webhook.port)
    namespace.policy(**ALL, severityOverrides={"missingLiveness": "critical", "missingResources": "critical"})
    eventually(namespace.is_reviewed)
    at = f"{namespace.pods}/web/ephemeralcontainers"
    answers = [
        api.call("PATCH", at, {"spec": {"ephemeralContainers": [{"name": name, "image": image}]}}, patch="strategic-merge")
        for name, image in (("one", "busybox"), ("two", "busybox:1.37"))
    ]

    assert [403, 200] == [one.status for one in answers]
    assert "container one" in answers[0].message


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


def test_a_namespace_full_of_bad_pods_can_be_deleted(api, webhook, configure, namespace):
    for number in range(3):
        bad = namespace.pod(LATEST, name=f"web-{number}", metadata={"finalizers": ["example.com/wait"]})
        api.must("POST", namespace.pods, bad)
    configure(webhook.port)
    namespace.policy(**ALL)
    eventually(namespace.is_reviewed)
    api.must("DELETE", f"/api/v1/namespaces/{namespace.name}")
    eventually(lambda: api.must("GET", f"/api/v1/namespaces/{namespace.name}")["metadata"].get("deletionTimestamp"))
    for number in range(3):
        at = f"{namespace.pods}/web-{number}"
        api.must("DELETE", at)
        api.must("PATCH", at, {"metadata": {"finalizers": None}})

    eventually(lambda: [] == api.must("GET", namespace.pods)["items"])


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
