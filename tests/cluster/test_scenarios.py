"""The real API server on what the chart renders: it knows every field, and its Pod Security refuses no pod."""

import json

import pytest
from cluster.support.cluster import Failed

from support import helm, recipes

CASES = {**helm.SCENARIOS, **recipes.values()}
"""Values by the name of their file in chart/ci, or by that of their recipe in the chart's README."""


@pytest.fixture(scope="module")
def namespace(releases):
    """A namespace with Pod Security *restricted*, enforced."""
    return releases("test-scenarios").namespace


def dry_run(cluster, *objects, how=("apply", "--server-side", "--force-conflicts", "--validate=strict")):
    """Have the API server do all but write; definitions that another release left are written over. Raises: Failed."""
    cluster.kubectl(*how, "--dry-run=server", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))


@pytest.mark.parametrize("case", CASES)
def test_the_api_server_accepts_every_object(cluster, kinds_of_others, namespace, namespace_factory, case):
    """Validated by the server, defaults and admission included; a field it does not know is an error."""
    objects = helm.render(CASES[case], namespace=namespace, component=None)
    kinds_of_others(objects)
    for other in {found["metadata"].get("namespace", namespace) for found in objects} - {namespace}:
        if not cluster.get("namespace", other):
            namespace_factory(other)

    dry_run(cluster, *objects)


def pods_of(scenario, namespace):
    """The pods of a scenario, as their controllers would create them."""
    for name, template in helm.pods(helm.render(helm.SCENARIOS[scenario], namespace=namespace, component=None)):
        metadata = {"name": name.lower().replace("/", "-")[:63], "namespace": namespace, "labels": template["metadata"]["labels"]}
        # The account is made with the release, and admission would ask for it first.
        yield {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**template["spec"], "serviceAccountName": "default"}}


@pytest.mark.parametrize("scenario", helm.SCENARIOS)
def test_pod_security_restricted_admits_every_pod(cluster, namespace, scenario):
    """A Deployment whose pods are refused is created all the same, so the pods themselves are asked about."""
    dry_run(cluster, *pods_of(scenario, namespace), how=("create",))


def test_pod_security_restricted_is_enforced(cluster, namespace):
    """The check above can fail."""
    (pod, *_) = pods_of("default", namespace)
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True

    with pytest.raises(Failed, match='violates PodSecurity "restricted'):
        dry_run(cluster, pod, how=("create",))
