"""What somebody reads who made a mistake: one line that names the field and the mend, and a code that is not 0."""

import json

import pytest
from cluster.support.cluster import Failed
from cluster.support.wait import until
from demolib import workloads

HELM_CASES = {
    "unknown value": ({"serviceMonitor": {"enable": True}}, "serviceMonitor", "enable"),
    "unknown component": ({"components": {"headles": {}}}, "components", "headles"),
    "unknown key of a configuration": ({"components": {"headless": {"config": {"anotation": "x"}}}}, "config", "anotation"),
    "wrong type": ({"replicas": "two"}, "replicas", "integer"),
    "unknown alert": ({"prometheusRule": {"enabled": True, "rules": {"OperatorUp": {}}}}, "prometheusRule.rules.OperatorUp", "OperatorDown"),
    "values that contradict each other": ({"replicas": 2, "leaderElection": {"enabled": False}}, "replicas", "leaderElection.enabled=true"),
}
CONFIGURATIONS = {
    "fine.yaml": "{}",
    "unknown.yaml": "htpp: {}",
    "type.yaml": "leaderElection: {leaseDurationSeconds: 15s}",
    "broken.yaml": "log: {level: info",
}
RUN = ("run", "headless", "--config")
PROGRAM_CASES = {
    "unknown component": (("run", "headles", "--config", "/etc/steward/fine.yaml"), 2, ('"headles"', "Known: headless")),
    "no configuration": (("run", "headless"), 2, ("--config", "steward run --help")),
    "unreadable configuration": ((*RUN, "/etc/steward/absent.yaml"), 2, ("/etc/steward/absent.yaml", "Name a readable YAML file")),
    "unknown key": ((*RUN, "/etc/steward/unknown.yaml"), 2, ("htpp", "Did you mean http?")),
    "wrong type": ((*RUN, "/etc/steward/type.yaml"), 2, ("leaderElection.leaseDurationSeconds", '"15s"', "Write 15")),
    "not YAML": ((*RUN, "/etc/steward/broken.yaml"), 2, ("line 1", "not YAML")),
    "no credentials": ((*RUN, "/etc/steward/fine.yaml"), 1, ("KUBECONFIG",)),
}
"""Arguments, exit code, and what the line says. The last one runs in a pod that has no service account's token."""


@pytest.mark.parametrize(("values", "field", "mend"), HELM_CASES.values(), ids=HELM_CASES)
def test_helm_refuses_values_and_installs_nothing(cluster, releases, values, field, mend):
    """The message names the field and what would be right."""
    release = releases("test-messages-steward")

    with pytest.raises(Failed) as refused:
        release.install(values)

    assert field in str(refused.value)
    assert mend in str(refused.value)
    assert [] == json.loads(cluster.run("helm", "list", "--namespace", release.namespace, "-o", "json"))


@pytest.fixture(scope="module")
def configurations(team):
    """A ConfigMap with configurations of a process."""
    team.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "configurations"}, "data": CONFIGURATIONS})


@pytest.mark.parametrize("case", PROGRAM_CASES)
def test_the_program_ends_with_one_line(team, configurations, case):
    """In the container, as the chart starts it."""
    arguments, code, words = PROGRAM_CASES[case]
    name = case.lower().replace(" ", "-")
    spec = {**team.spec, "restartPolicy": "Never", "volumes": [{"name": "config", "configMap": {"name": "configurations"}}]}
    (container,) = spec["containers"]
    del container["command"]
    container |= {"args": list(arguments), "volumeMounts": [{"name": "config", "mountPath": "/etc/steward"}]}
    team.apply(workloads.bare(name, spec, annotations={}))

    ended = until(f"{name} has ended", lambda: terminated(team.get("pod", name)))
    said = team.kubectl("logs", name).strip()

    assert (code, 1) == (ended["exitCode"], len(said.splitlines())), said
    for word in words:
        assert word in said


def terminated(pod):
    """How the container of a pod ended; None while it runs."""
    (status,) = pod["status"].get("containerStatuses") or ({"state": {}},)
    return status["state"].get("terminated")
