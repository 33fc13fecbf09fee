"""Fields that are added to an object of somebody else, and what a dry run leaves behind: nothing."""

from support.doors import APPLY, PODS

DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"
PROBE = {"tcpSocket": {"port": 8080}, "periodSeconds": 10}
NAMES = {"app": "web"}


def _deployment():
    container = {"name": "main", "image": "app:1", "ports": [{"containerPort": 8080, "protocol": "TCP"}]}
    template = {"metadata": {"labels": NAMES}, "spec": {"containers": [container, {"name": "side", "image": "side:1"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"replicas": 1, "selector": {"matchLabels": NAMES}, "template": template},
    }


def _added(uid: str, **fields):
    containers = [{"name": "main", **fields}] if fields else []
    spec = {"spec": {"template": {"spec": {"containers": containers}}}} if containers else {}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "uid": uid}, **spec}


async def _contribute(door, body, *, manager="contributor", **query):
    return await door.call("PATCH", DEPLOYMENTS + "/web", body, content_type=APPLY, fieldManager=manager, **query)


def _main(deployment):
    return deployment["spec"]["template"]["spec"]["containers"][0]


async def test_a_probe_is_added_to_the_container_of_that_name_alone(door):
    made = await door.create(DEPLOYMENTS, _deployment())

    code, after = await _contribute(door, _added(made["metadata"]["uid"], readinessProbe=PROBE))

    assert 200 == code
    assert 8080 == _main(after)["readinessProbe"]["tcpSocket"]["port"]
    assert "app:1" == _main(after)["image"]
    assert "readinessProbe" not in after["spec"]["template"]["spec"]["containers"][1]
    assert 2 == after["metadata"]["generation"]


async def test_an_apply_without_the_probe_takes_it_away_with_its_defaults(door):
    made = await door.create(DEPLOYMENTS, _deployment())
    await _contribute(door, _added(made["metadata"]["uid"], readinessProbe=PROBE))

    code, after = await _contribute(door, _added(made["metadata"]["uid"]))

    assert 200 == code
    assert made["spec"] == after["spec"]
    assert {"maker"} == {entry["manager"] for entry in after["metadata"]["managedFields"]}


async def test_a_field_that_somebody_else_set_otherwise_is_a_conflict(door):
    made = await door.create(DEPLOYMENTS, _deployment())

    code, refused = await _contribute(door, _added(made["metadata"]["uid"], image="other:2"))

    assert (409, "Conflict") == (code, refused["reason"])


async def test_a_dry_run_answers_what_would_be_and_changes_nothing(door):
    made = await door.create(DEPLOYMENTS, _deployment())

    code, would_be = await _contribute(door, _added(made["metadata"]["uid"], readinessProbe=PROBE), dryRun="All")
    after = await door.ok("GET", DEPLOYMENTS + "/web")

    assert 200 == code
    assert 8080 == _main(would_be)["readinessProbe"]["tcpSocket"]["port"]
    assert made == after


async def test_a_dry_run_of_a_create_makes_nothing(door):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "web-"}, "spec": {"containers": [{"name": "main", "image": "app"}]}}

    code, would_be = await door.call("POST", PODS, pod, dryRun="All", fieldManager="contributor")
    listed = await door.ok("GET", PODS)

    assert 201 == code
    assert would_be["metadata"]["name"].startswith("web-")
    assert [] == listed["items"]


async def test_what_somebody_else_takes_away_is_the_contributors_no_more(door):
    """Of what it added only the name of the container is left to it."""
    made = await door.create(DEPLOYMENTS, _deployment())
    await _contribute(door, _added(made["metadata"]["uid"], readinessProbe=PROBE))

    whole = await door.ok("GET", DEPLOYMENTS + "/web")
    del _main(whole)["readinessProbe"]
    after = await door.ok("PUT", DEPLOYMENTS + "/web", whole, fieldManager="opponent")
    (owned,) = (entry["fieldsV1"] for entry in after["metadata"]["managedFields"] if entry["manager"] == "contributor")

    assert "readinessProbe" not in _main(after)
    assert {".": {}, "f:name": {}} == owned["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"main"}']
