"""By which paths of the API a pod changes, and that only what an update brings is denied."""

from admission.stage import eventually
from support.admission import ALL
from support.containers import container

LATEST = container(image="app:latest")

EXCLUDED = "apiserver_admission_match_condition_exclusions_total"
"""The API server's count of calls that it was spared."""


def test_each_path_to_a_pod_is_asked_about_once_and_no_other(api, webhook, reviewed):
    """Create, a new image, an ephemeral container and a resize; no labels, no status, no binding, no eviction, no deletion."""
    created = reviewed.pod(metadata={"finalizers": ["example.com/wait"]})
    at = f"{reviewed.pods}/web"
    debugger = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "busybox:1"}]}}
    resized = {"spec": {"containers": [{"name": "web", "resources": {"requests": {"cpu": "2"}}}]}}
    binding = {"metadata": {"name": "web"}, "target": {"kind": "Node", "name": "n1"}}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "web", "namespace": reviewed.name}}

    def put(image):
        found = api.must("GET", at)
        found["spec"]["containers"][0]["image"] = image
        api.must("PUT", at, found)

    steps = {
        "create": lambda: api.must("POST", reviewed.pods, created),
        "image": lambda: api.must("PATCH", at, {"spec": {"containers": [{"name": "web", "image": "app:2"}]}}, patch="strategic-merge"),
        "put": lambda: put("app:3"),
        "put of nothing": lambda: put("app:3"),
        "labels": lambda: api.must("PATCH", at, {"metadata": {"labels": {"a": "b"}}}),
        "status": lambda: api.must("PATCH", f"{at}/status", {"status": {"phase": "Running"}}),
        "debug": lambda: api.must("PATCH", f"{at}/ephemeralcontainers", debugger, patch="strategic-merge"),
        "resize": lambda: api.must("PATCH", f"{at}/resize", resized, patch="strategic-merge"),
        "binding": lambda: api.must("POST", f"{at}/binding", binding),
        "eviction": lambda: api.must("POST", f"{at}/eviction", eviction),
        "finalizer": lambda: api.must("PATCH", at, {"metadata": {"finalizers": None}}),
        "delete": lambda: api.must("DELETE", f"{at}?gracePeriodSeconds=0"),
    }
    asked = {}
    for name, step in steps.items():
        before = webhook.counted("requests_total")
        step()
        asked[name] = webhook.counted("requests_total") - before

    assert dict.fromkeys(steps, 0) | dict.fromkeys(("create", "image", "put", "debug", "resize"), 1) == asked


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


def test_resizing_a_pod_that_is_bad_in_all_else_is_only_a_matter_of_its_resources(api, webhook, configure, namespace):
    api.must("POST", namespace.pods, namespace.pod(container(image="app:latest", livenessProbe=None)))
    configure(webhook.port)
    namespace.policy(**ALL, severityOverrides={"missingLiveness": "critical", "latestTag": "critical", "missingResources": "critical"})
    eventually(namespace.is_reviewed)
    before = webhook.counted("requests_total")
    larger = {"spec": {"containers": [{"name": "web", "resources": {"requests": {"cpu": "2"}}}]}}
    resized = api.call("PATCH", f"{namespace.pods}/web/resize", larger, patch="strategic-merge")

    assert (200, ()) == (resized.status, resized.warnings)
    assert before + 1 == webhook.counted("requests_total")


def test_a_namespace_full_of_bad_pods_can_be_deleted(api, webhook, configure, namespace):
    for number in range(3):
        bad = namespace.pod(LATEST, name=f"web-{number}", metadata={"finalizers": ["example.com/wait"]})
        api.must("POST", namespace.pods, bad)
    api.must("POST", namespace.pods, namespace.pod(name="good", metadata={"finalizers": ["example.com/wait"]}))
    configure(webhook.port)
    namespace.policy(**ALL)
    eventually(namespace.is_reviewed)
    worse = f"{namespace.pods}/good", _image("app:latest")
    earlier = api.call("PATCH", *worse, patch="strategic-merge").status
    api.must("DELETE", f"/api/v1/namespaces/{namespace.name}")
    # The replica hears of it a moment after the API server has said it.
    eventually(lambda: api.call("PATCH", *worse, patch="strategic-merge").status == 200)
    for number in range(3):
        at = f"{namespace.pods}/web-{number}"
        api.must("DELETE", at)
        api.must("PATCH", at, {"metadata": {"finalizers": None}})
    api.must("DELETE", worse[0])
    api.must("PATCH", worse[0], {"metadata": {"finalizers": None}})

    assert 403 == earlier
    eventually(lambda: [] == api.must("GET", namespace.pods)["items"])
