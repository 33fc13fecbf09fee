"""Nobody answers, or nobody can: what becomes of pods, by the failure policy, and how one gets out of it."""

import pytest

from admission.balancer import balancing
from admission.stage import eventually
from support.containers import container
from support.envtest import free_ports

LATEST = container(image="app:latest")
POLICIES = "devopspolicies.policy.steward.dev"


@pytest.fixture
def away(start, configure, namespace):
    """A namespace whose pods would be reviewed by a replica that has ended."""

    def away(policy, **admission):
        one = start()
        one.wait_until_ready()
        configure(one.port, failurePolicy=policy, **admission)
        namespace.policy(forbidLatestTag=True)
        eventually(namespace.is_reviewed)
        one.kill()
        return namespace

    return away


def test_with_ignore_pods_pass_while_nobody_answers(api, away):
    namespace = away("Ignore")

    assert 201 == api.call("POST", namespace.pods, namespace.pod(LATEST)).status


def test_with_fail_they_do_not_and_our_own_come_back_all_the_same(api, away):
    """And deleting the configuration always works: nobody is asked about that."""
    namespace = away("Fail")
    refused = api.call("POST", namespace.pods, namespace.pod())
    api.call("POST", "/api/v1/namespaces", {"metadata": {"name": "steward"}})
    own = namespace.pod() | {"metadata": {"name": "steward-webhook-0", "namespace": "steward"}}
    system = namespace.pod() | {"metadata": {"name": "coredns-0", "namespace": "kube-system"}}

    assert 500 == refused.status
    assert 'failed calling webhook "pods.webhook.steward.dev"' in refused.message
    assert 201 == api.call("POST", "/api/v1/namespaces/steward/pods?dryRun=All", own).status
    assert 201 == api.call("POST", "/api/v1/namespaces/kube-system/pods?dryRun=All", system).status
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/steward-steward-webhook"
    assert 200 == api.call("DELETE", path).status
    eventually(lambda: api.call("POST", f"{namespace.pods}?dryRun=All", namespace.pod()).status == 201)


def test_with_fail_system_namespaces_come_back_all_the_same(api, away):
    """By their patterns, which the API server knows too, whatever else it is told; and no other namespace."""
    namespace = away("Fail", excludeNamespaces=[], workloads=True)

    def made(where):
        api.call("POST", "/api/v1/namespaces", {"metadata": {"name": where}})
        return api.call(
            "POST", f"/api/v1/namespaces/{where}/pods?dryRun=All", namespace.pod() | {"metadata": {"name": "a", "namespace": where}}
        ).status

    passed = ("steward", "kube-system", "calico-system", "istio-system", "cert-manager", "monitoring")
    refused = ("system", "calico-systems", "monitoring2", "my-cert-manager")

    assert dict.fromkeys(passed, 201) | dict.fromkeys(refused, 500) == {where: made(where) for where in (*passed, *refused)}


def test_a_replica_that_cannot_reach_the_api_server_goes_on_answering(api, plane, start, configure, namespace):
    """By what it knows; it stays ready, for nobody else knows more, and its metrics tell since when it knows nothing new."""
    with balancing() as way:
        way.backends = [plane.port]
        one = start(server=f"https://127.0.0.1:{way.port}")
        one.wait_until_ready()
        configure(one.port, failurePolicy="Fail")
        before = one.heard(POLICIES)
        namespace.policy(forbidLatestTag=True)
        eventually(namespace.is_reviewed)
        heard = one.heard(POLICIES)
    namespace.policy("unheard", mode="audit", requireResources=True)
    eventually(lambda: "cannot be reached" in one.log())
    answers = [api.call("POST", f"{namespace.pods}?dryRun=All", made).status for made in (namespace.pod(LATEST), namespace.pod())]

    assert [403, 201] == answers
    assert 200 == one.probe("/readyz")[0]
    assert 200 == one.probe("/livez")[0]
    assert 0 < before < heard == one.heard(POLICIES)


def test_a_replica_is_not_ready_before_it_has_heard_from_the_api_server(plane, start):
    """Whoever asked it would be answered by no policy at all."""
    with balancing() as way:
        way.backends = free_ports(1)
        one = start(server=f"https://127.0.0.1:{way.port}")
        eventually(lambda: "cannot be reached" in one.log(), seconds=40)
        cut_off = [one.probe(path)[0] for path in ("/livez", "/readyz")], one.heard(POLICIES)
        way.backends = [plane.port]
        one.wait_until_ready()

        assert ([200, 503], 0.0) == cut_off
        assert one.heard(POLICIES) > 0
        one.stop()


def test_a_pod_of_a_bad_policy_passes_once_the_policy_is_gone(api, webhook, configure, namespace):
    configure(webhook.port)
    namespace.policy(forbidLatestTag=True)
    eventually(namespace.is_reviewed)
    api.must("DELETE", f"/apis/policy.steward.dev/v1alpha1/namespaces/{namespace.name}/devopspolicies/strict")

    eventually(lambda: not namespace.is_reviewed())
