"""What a release leaves behind: of all kinds of objects in the cluster, only what README.md says."""

import pytest
from cluster.support.governed import GROUP, authority_secret, gate_of, latest, policy
from cluster.support.wait import until
from demolib import workloads

from support import helm


@pytest.fixture(scope="module")
def release(releases):
    """A release that is not installed yet."""
    return releases("test-uninstall-steward")


def test_an_uninstall_leaves_the_lease_and_the_names_in_use(cluster, release, team):
    """The Lease is the component's, not helm's; a Service and its EndpointSlice live as long as their pod."""
    before = everything(cluster)
    release.install(helm.ENABLED)
    assert {"deployment.apps", "servicemonitor.monitoring.coreos.com", "clusterrole.rbac.authorization.k8s.io"} <= kinds(everything(cluster) - before)
    team.apply(workloads.bare("web", team.spec))
    address = team.address("web")
    team.until_answered("web", address)

    release.uninstall()

    slices = [one["metadata"]["name"] for one in team.select("endpointslices", "--selector", "kubernetes.io/service-name=web")]
    names = {(team.namespace, "service/web")} | {(team.namespace, f"endpointslice.discovery.k8s.io/{name}") for name in slices}
    left = names | {(team.namespace, "pod/web"), (release.namespace, f"lease.coordination.k8s.io/{release.workload}")}
    until("only what is documented is left", lambda: everything(cluster) - before == left, last=lambda: everything(cluster) - before)
    assert {"code": "NOERROR", "answers": [address]} == team.answer("web")

    team.delete("pod", "web")
    until("the name is gone with its pod", lambda: not names & everything(cluster), last=lambda: names & everything(cluster))


def test_an_uninstall_opens_admission_at_once_and_keeps_the_policies(cluster, releases, shop):
    """Left are the definitions with what teams wrote, the Leases, and the authority that nobody trusts any more."""
    release = releases("test-uninstall-governance", component=None)
    before = everything(cluster)
    release.install({"components": {"headless": {"enabled": False}, "webhook": {"admission": {"failurePolicy": "Fail"}}}})
    shop.apply(policy("tags", forbidLatestTag=True, enforcementMode="enforce"))
    gate = gate_of(shop, latest(cluster))
    until("a bad pod is denied", gate)

    release.uninstall()

    assert not gate()
    names = {f"{release.fullname}-{name}" for name in ("policy", "webhook-certificates")}
    leases = {(release.namespace, f"lease.coordination.k8s.io/{name}") for name in names}
    authority = {(release.namespace, f"secret/{authority_secret(release)}")}
    definitions = {("", f"customresourcedefinition.apiextensions.k8s.io/{plural}.{GROUP}") for plural in ("devopspolicies", "policyauditresults")}
    policies = {(shop.namespace, f"devopspolicy.{GROUP}/tags")}

    def left():
        return {one for one in everything(cluster) - before - definitions if not one[1].startswith("policyauditresult.")}

    until("only what is documented is left", lambda: left() == leases | authority | policies, last=left)
    assert definitions <= everything(cluster)


def everything(cluster):
    """Namespace, and kind and name, of every object in the cluster but Events and measurements."""
    resources = cluster.kubectl("api-resources", "--verbs=list,delete", "-o", "name").split()
    lasting = [name for name in resources if not name.startswith("events") and "metrics.k8s.io" not in name]
    form = r'{range .items[*]}{.metadata.namespace}{"\t"}{.apiVersion}{"\t"}{.kind}{"\t"}{.metadata.name}{"\n"}{end}'
    rows = cluster.kubectl("get", ",".join(lasting), "--all-namespaces", "-o", f"jsonpath={form}").splitlines()
    return {(namespace, f"{full_kind(version, kind)}/{name}") for namespace, version, kind, name in (row.split("\t") for row in rows)}


def full_kind(version, kind):
    """Kind and group, as `kubectl get -o name` has them."""
    group = version.rpartition("/")[0]
    return f"{kind.lower()}.{group}" if group else kind.lower()


def kinds(objects):
    """The kinds among objects."""
    return {name.partition("/")[0] for _, name in objects}
