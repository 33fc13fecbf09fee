"""What is added, what never is, and that nothing which is there is touched."""

import datetime as dt

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from steward.governance.rules import INJECTED
from steward.policy.remediation import additions, patch
from steward.policy.remediation.model import DEPLOYMENTS, WORKLOADS
from support.workloads import DIRECT, RESOURCES, container, managed, policy, read, workload

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def _wanted(manifest, *policies, present=None, untouchable=()):
    asking = policies or (policy(),)
    everyone = asking if present is None else present
    return patch.wanted(manifest["kind"], read(manifest), asking, present=everyone, untouchable=untouchable, now=NOW, injected=INJECTED)


def _bodies(found):
    return {addition.container: addition.body for addition in found.patch}


@pytest.mark.parametrize("kind", WORKLOADS)
def test_a_readiness_probe_comes_first_on_the_only_port(kind):
    found = _wanted(workload(kind))

    probe = {"tcpSocket": {"port": 8080}, "initialDelaySeconds": 5, "periodSeconds": 10}
    assert {"main": {"name": "main", "readinessProbe": probe}} == _bodies(found)
    assert ("missing_readiness",) == found.checks


def test_a_liveness_probe_comes_where_a_readiness_probe_is():
    found = _wanted(workload("Deployment", container(readinessProbe=DIRECT)))

    assert ("missing_liveness",) == found.checks
    probe = {"tcpSocket": {"port": 8080}, "initialDelaySeconds": 5, "periodSeconds": 10, "failureThreshold": 6}
    assert probe == _bodies(found)["main"]["livenessProbe"]


@pytest.mark.parametrize(("period", "failures"), [(1, 60), (7, 9), (10, 6), (20, 3), (30, 3), (3600, 3)])
def test_a_container_may_be_silent_for_a_minute_before_it_is_killed(period, failures):
    found = _wanted(workload("Deployment", container(readinessProbe=DIRECT)), policy(defaultProbe={"periodSeconds": period}))

    assert failures == _bodies(found)["main"]["livenessProbe"]["failureThreshold"]
    assert failures * period >= 60


def test_liveness_waits_for_all_readiness_probes_of_the_workload():
    found = _wanted(workload("Deployment", container("a", readinessProbe=DIRECT), container("b", ports=(9090,))))

    assert {"b"} == set(_bodies(found))
    assert ("missing_readiness",) == found.checks


def test_no_liveness_probe_without_a_readiness_probe():
    found = _wanted(workload(), policy(requireReadinessProbe=False))

    assert () == found.patch
    assert "only where a readinessProbe succeeds" in found.notes[0]


DENYING = {"severityOverrides": {"missingLiveness": "high"}}


@pytest.mark.parametrize(
    ("asking", "present"),
    [
        ((policy(**DENYING),), None),
        ((policy(),), (policy(), policy("strict", requireReadinessProbe=False, defaultProbe=None, **DENYING))),
    ],
    ids=["of the policy itself", "of another policy"],
)
def test_both_probes_come_at_once_where_pods_without_liveness_are_denied(asking, present):
    found = _wanted(workload(), *asking, present=present)

    assert ("missing_liveness", "missing_readiness") == found.checks
    assert {"name", "livenessProbe", "readinessProbe"} == _bodies(found)["main"].keys()
    assert 60 == _bodies(found)["main"]["livenessProbe"]["periodSeconds"] * _bodies(found)["main"]["livenessProbe"]["failureThreshold"]
    assert () == found.denied


def test_liveness_waits_where_pods_are_denied_for_it_by_none_that_is_enforced():
    found = _wanted(workload(), policy(), present=(policy(), policy("strict", enforcementMode="audit", **DENYING)))

    assert ("missing_readiness",) == found.checks


def test_what_no_patch_mends_still_denies_the_pod():
    sidecar = container("proxy", ports=(15001,), restartPolicy="Always")
    strict = policy(forbidLatestTag=True, **DENYING)
    found = _wanted(workload("Deployment", container(image="app:latest"), pod={"initContainers": [sidecar]}), strict)

    assert {("latest_tag", "main"), ("missing_liveness", "proxy")} == {(one.check, one.container) for one in found.denied}


def test_resources_may_come_from_a_limit_range_and_are_left_to_the_dry_run():
    assert () == _wanted(workload(), policy(requireResources=True, severityOverrides={"missingResources": "critical"})).denied


@pytest.mark.parametrize(
    ("containers", "probe", "pod", "why"),
    [
        ([container(ports=())], {}, {}, "declares no TCP port"),
        ([container(ports=(80, 81))], {}, {}, "several TCP ports"),
        ([container(ports=(80,))], {"tcpPort": 8080}, {}, "no TCP port 8080"),
        ([container(ports=(80, 81))], {"tcpPort": 81}, {"hostNetwork": True}, "network of its node"),
        ([container("a", ports=(80,)), container("b", ports=(80,))], {}, {}, "another container declares port 80"),
        ([container() | {"ports": [{"containerPort": 53, "protocol": "UDP"}]}], {}, {}, "declares no TCP port"),
    ],
    ids=["none", "several", "another than the policy's", "host network", "shared", "UDP"],
)
def test_no_probe_without_a_known_port(containers, probe, pod, why):
    found = _wanted(workload("Deployment", *containers, pod=pod), policy(defaultProbe=probe))

    assert () == found.patch
    assert why in found.notes[0]


@pytest.mark.parametrize("named", [8081, "health"])
def test_the_policy_chooses_among_the_declared_ports_by_number_or_name(named):
    ports = [{"containerPort": 8080, "name": "web"}, {"containerPort": 8081, "name": "health"}]
    found = _wanted(workload("Deployment", container() | {"ports": ports}), policy(defaultProbe={"tcpPort": named}))

    assert {"port": "health"} == _bodies(found)["main"]["readinessProbe"]["tcpSocket"]


def test_one_port_in_the_network_of_the_node_is_known():
    assert _wanted(workload(pod={"hostNetwork": True})).patch


def test_without_a_default_probe_none_is_added():
    assert () == _wanted(workload(), policy(defaultProbe=None)).patch


def test_init_containers_and_sidecars_are_never_touched():
    sidecar = container("proxy", ports=(15001,), restartPolicy="Always")
    found = _wanted(workload(pod={"initContainers": [container("init"), sidecar]}), policy(defaultResources=RESOURCES))

    assert {"main"} == set(_bodies(found))


def test_what_is_exempt_is_never_touched():
    exemption = {"checks": ["missing_readiness", "missing_liveness"], "containers": ["proxy"], "reason": "mesh", "expires": "2027-01-01T00:00:00Z"}
    manifest = workload("Deployment", container(), container("proxy", ports=(15001,)))

    assert {"main"} == set(_bodies(_wanted(manifest, policy(exemptions=[exemption]))))


def test_what_a_mesh_injects_is_never_touched():
    assert {"main"} == set(_bodies(_wanted(workload("Deployment", container(), container("istio-proxy", ports=(15001,))))))


# Resources.


def test_resources_come_only_where_a_policy_says_which():
    assert "missing_resources" not in _wanted(workload(), policy(requireResources=True)).checks


def test_requests_come_and_limits_only_if_the_policy_names_them():
    found = _wanted(workload(), policy(requireReadinessProbe=False, defaultResources={"cpuRequest": "100m", "memoryRequest": "1Gi"}))

    assert {"requests": {"cpu": "100m", "memory": "1Gi"}} == _bodies(found)["main"]["resources"]
    assert ("missing_resources",) == found.checks


@pytest.mark.parametrize("there", [{"requests": {"cpu": "1"}}, {"limits": {"memory": "1Gi"}}], ids=["requests", "limits"])
def test_a_container_that_has_some_resources_gets_no_others(there):
    found = _wanted(workload("Deployment", container(resources=there)), policy(defaultResources=RESOURCES))

    assert "resources" not in _bodies(found)["main"]


def test_resources_of_the_whole_pod_are_enough():
    found = _wanted(workload(pod={"resources": {"requests": {"cpu": "1"}}}), policy(defaultResources=RESOURCES))

    assert "resources" not in _bodies(found)["main"]


def test_what_an_autoscaler_reckons_with_is_left_out():
    found = _wanted(workload(), policy(defaultResources=RESOURCES), untouchable={"cpu"})

    assert {"requests": {"memory": "128Mi"}, "limits": {"memory": "256Mi"}} == _bodies(found)["main"]["resources"]


def test_nothing_is_left_when_an_autoscaler_reckons_with_all():
    found = _wanted(workload(), policy(requireReadinessProbe=False, defaultResources=RESOURCES), untouchable={"cpu", "memory"})

    assert () == found.patch
    assert any("an autoscaler reckons" in note for note in found.notes)


# Several policies.


def test_two_policies_make_one_patch_whatever_their_order():
    probes, resources = policy("a"), policy("b", requireReadinessProbe=False, defaultProbe=None, defaultResources=RESOURCES)
    found = _wanted(workload(), probes, resources)

    assert ("missing_readiness", "missing_resources") == found.checks
    assert found == _wanted(workload(), resources, probes)


# The property: nothing that is there is in the patch.

_amounts = st.dictionaries(st.sampled_from(["cpu", "memory"]), st.just("1"), max_size=2)
_probes = st.dictionaries(
    st.sampled_from(["livenessProbe", "readinessProbe"]), st.sampled_from([DIRECT, {"httpGet": {"path": "/"}}, {"exec": {"command": ["true"]}}])
)


@st.composite
def _containers(draw):
    return [
        container(
            name,
            ports=tuple(draw(st.lists(st.integers(1, 65535), max_size=2, unique=True))),
            resources={"requests": draw(_amounts), "limits": draw(_amounts)},
            **draw(_probes),
        )
        for name in draw(st.lists(st.sampled_from(["a", "b", "c", "a-b"]), min_size=1, max_size=4, unique=True))
    ]


@given(_containers(), st.booleans(), st.sampled_from(sorted(WORKLOADS)), st.sets(st.sampled_from(["cpu", "memory"])))
def test_a_patch_and_what_is_there_have_nothing_in_common(containers, host_network, kind, untouchable):
    manifest = workload(kind, *containers, pod={"hostNetwork": host_network, "initContainers": [container("init")]})
    found = _wanted(manifest, policy(requireResources=True, defaultResources=RESOURCES), untouchable=untouchable)

    there = {one["name"]: one for one in containers}
    for body in _bodies(found).values():
        one = there[body["name"]]
        assert not {"livenessProbe", "readinessProbe"} & body.keys() & one.keys()
        assert not ("resources" in body and (one["resources"]["requests"] or one["resources"]["limits"]))
        assert {"name", "livenessProbe", "readinessProbe", "resources"} >= body.keys()
        assert not {"livenessProbe", "readinessProbe"} <= body.keys()


# What is shown, and what is ours.


def test_the_patch_as_yaml_names_the_workload_and_the_fields():
    manifest = workload()
    shown = yaml.safe_load(additions.manifest(DEPLOYMENTS, read(manifest), _wanted(manifest).patch))

    assert ("apps/v1", "Deployment", {"name": "web", "namespace": "shop"}) == (shown["apiVersion"], shown["kind"], shown["metadata"])
    assert ["name", "readinessProbe"] == list(shown["spec"]["template"]["spec"]["containers"][0])


def test_the_template_is_marked():
    body = additions.template(_wanted(workload()).patch)

    assert {"policy.steward.dev/patched-by": "kube-devops-operator"} == body["metadata"]["annotations"]


def test_only_what_the_server_says_is_ours():
    resources = {"requests": {"cpu": "100m", "memory": "1Gi"}}
    mine = managed(**{"f:readinessProbe": {"f:periodSeconds": {}}, "f:resources": {"f:requests": {"f:cpu": {}}}})
    found = additions.owned(read(workload("Deployment", container(readinessProbe=DIRECT, livenessProbe=DIRECT, resources=resources), meta=mine)))

    assert ("main.readinessProbe", "main.resources.requests.cpu") == additions.fields(found)


def test_a_template_is_the_same_before_and_after_a_patch():
    annotated = {"policy.steward.dev/patched-by": "kube-devops-operator", "kubectl.kubernetes.io/restartedAt": "now"}
    after = workload("Deployment", container(readinessProbe=DIRECT), meta=managed(**{"f:readinessProbe": {}}))
    after["spec"]["template"]["metadata"]["annotations"] = annotated

    assert additions.fingerprint(read(workload())) == additions.fingerprint(read(after))


@pytest.mark.parametrize(
    "changed",
    [
        workload("Deployment", container(image="app:2")),
        workload("Deployment", container(ports=(8081,))),
        workload("Deployment", container(args=["--port=8081"])),
        workload("Deployment", container(livenessProbe=DIRECT)),
        workload("Deployment", container(), container("side")),
        workload(pod={"hostNetwork": True}),
    ],
    ids=["image", "ports", "arguments", "a probe of theirs", "one more container", "network"],
)
def test_another_template_is_another(changed):
    assert additions.fingerprint(read(workload())) != additions.fingerprint(read(changed))


def test_a_scaled_workload_has_the_same_template():
    assert additions.fingerprint(read(workload())) == additions.fingerprint(read(workload(replicas=5)))


def test_a_probe_on_a_port_that_is_declared_no_more_is_stale():
    mine = managed(**{"f:readinessProbe": {}})
    still = read(workload("Deployment", container(readinessProbe=DIRECT), meta=mine))
    gone = read(workload("Deployment", container(ports=(9090,), readinessProbe=DIRECT), meta=mine))

    assert "" == patch.is_stale(still, additions.owned(still))
    assert "port 8080" in patch.is_stale(gone, additions.owned(gone))
