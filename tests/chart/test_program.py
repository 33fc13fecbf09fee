"""Chart and program agree: rights, configuration, ports, arguments, and what the tests expect."""

import json
import subprocess
import sys
from functools import reduce

import pytest
import yaml

from steward import components
from steward.cli import config as program
from support import helm
from support.paths import merge, nest

ROOT = helm.CHART.parent
NAMES = tuple(yaml.safe_load((helm.CHART / "values.yaml").read_text())["components"])


def described(component):
    """What the program says about a component."""
    done = subprocess.run(["steward", "describe", component, "-o", "json"], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def granted(objects, kind):
    """What the roles of a kind allow, as triples of group, resource and verb."""
    return {
        (group, resource, verb)
        for role in helm.of_kind(objects, kind)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def optional(component):
    """Switches that rights of a component depend on: none of them on, each of them, and all. What depends on a mode is there by default."""
    fields = sorted({right["when"] for right in described(component)["rights"] if right["when"] and "=" not in right["when"]})
    for on in ((), *((field,) for field in fields), *((tuple(fields),) if len(fields) > 1 else ())):
        yield pytest.param(component, {field: field in on for field in fields}, id="-".join((component, *on)))


@pytest.mark.parametrize(("component", "on"), [case for name in NAMES for case in optional(name)])
def test_the_chart_grants_what_the_program_declares(component, on):
    """Not one right less, and not one more; those of the own namespace in a Role."""
    config = reduce(merge, (nest(field.split("."), value) for field, value in on.items()), {})
    objects = helm.render({"components": {component: {"config": config}}}, component=component)
    rights = [right for right in described(component)["rights"] if on.get(right["when"], True)]
    for kind, own in (("ClusterRole", False), ("Role", True)):
        declared = {(right["group"], right["resource"], verb) for right in rights if right["namespaced"] is own for verb in right["verbs"]}
        assert declared == granted([found for found in objects if "app.kubernetes.io/component" in found["metadata"]["labels"]], kind)


def test_the_lease_is_the_only_one():
    """Read and written is only the lease of the configuration; creation cannot be limited to a name."""
    objects = helm.render()
    lease = yaml.safe_load(helm.only(objects, "ConfigMap")["data"]["config.yaml"])["leaderElection"]["leaseName"]
    for rule in helm.only(objects, "Role")["rules"]:
        assert rule.get("resourceNames", [lease]) == [lease]
        assert ("resourceNames" in rule) is (rule["verbs"] != ["create"])


def test_without_rbac_or_leader_election_nothing_is_granted():
    """rbac.create=false leaves all roles out, and without leader election there is no right on leases."""
    without = helm.render({"rbac": {"create": False}})
    alone = helm.render({"leaderElection": {"enabled": False}})

    assert not [found for found in without if "Role" in found["kind"]]
    assert helm.of_kind(alone, "Role") == helm.of_kind(alone, "RoleBinding") == []


CONFIGURED = {
    "defaults": {},
    "traced": {"tracing": {"endpoint": "http://collector:4318", "sampleRatio": 0.1}},
    "changed": {"logLevel": "warning", "logFormat": "text", "metrics": {"port": 9000}, "leaderElection": {"enabled": False}},
    "scoped": {"rbac": {"scope": "namespace", "namespaces": ["a", "b"]}},
    "protected": {"metrics": {"tls": {"enabled": True, "mode": "existingSecret", "existingSecret": "a"}, "authorization": {"enabled": True}}},
    "own": {"components": {"headless": {"logLevel": "debug", "config": {"hostNetwork": "deny", "excludeNamespaces": ["kube-system"]}}}},
}


@pytest.mark.parametrize("values", CONFIGURED.values(), ids=CONFIGURED)
@pytest.mark.parametrize("component", NAMES)
def test_the_program_accepts_the_configuration(component, values, tmp_path):
    """The file in the ConfigMap is read by the program's own reader, which refuses unknown keys."""
    objects = helm.render(values, component=component)
    file = tmp_path / "config.yaml"
    file.write_text(helm.only(objects, "ConfigMap")["data"]["config.yaml"])
    config = program.load(str(file), components.load(component).config)
    ports = {port["name"]: port["containerPort"] for port in helm.only(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["ports"]}

    serving = getattr(config.config, "serving", None)
    own = {} if serving is None else {"admission": serving.port}
    assert ports == {"metrics": config.http.metrics_port, "health": config.http.health_port, **own}
    assert config.log.level == {**values, **values.get("components", {}).get(component, {})}.get("logLevel", "info")
    assert config.leader_election.lease_namespace == "steward"
    assert list(config.namespaces) == values.get("rbac", {}).get("namespaces", [])


def test_every_setting_of_the_process_comes_from_a_value():
    """The chart writes every key of the file, so none has a second default that nobody sees."""
    written = yaml.safe_load(helm.only(helm.render(), "ConfigMap")["data"]["config.yaml"])
    for block in ("log", "http", "tracing", "leader_election"):
        fields = {field.replace("_", " ").title().replace(" ", "") for field in getattr(program.ProcessConfig(config=None), block).__struct_fields__}
        section = written["leaderElection" if block == "leader_election" else block]
        assert fields == {key[0].upper() + key[1:] for key in section}


@pytest.mark.parametrize("values", [{}, CONFIGURED["protected"]], ids=["plain", "protected"])
@pytest.mark.parametrize("pod", ["Deployment", "Pod"])
def test_the_program_understands_its_arguments(pod, values):
    """Commands and options of the pods exist in the program."""
    args = next(template for name, template in helm.pods(helm.render(values)) if name.startswith(f"{pod}/"))["spec"]["containers"][0]["args"]
    usage = subprocess.run(["steward", args[0], "--help"], check=True, capture_output=True, text=True).stdout

    assert [option for option in args if option.startswith("--") and option not in usage] == []


def test_the_test_expects_what_the_program_says():
    """`helm test` waits for a line of the metrics that the program declares."""
    args = helm.only(helm.render(), "Pod")["spec"]["containers"][0]["args"]
    metric = args[args.index("--expect") + 1].partition("{")[0]

    assert metric in {found["name"] for found in described("headless")["metrics"]}
    assert args[1] == "http://steward-headless-metrics.steward.svc:8080/metrics"


def test_the_schema_has_the_programs_configuration():
    """ci/schema writes it; it is committed."""
    done = subprocess.run([sys.executable, str(ROOT / "ci" / "schema"), "--check"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_chart_and_program_have_one_version():
    """The image that the chart installs by default is the one this program becomes."""
    said = subprocess.run(["steward", "--version"], check=True, capture_output=True, text=True).stdout
    chart = yaml.safe_load((helm.CHART / "Chart.yaml").read_text())

    assert chart["version"] == chart["appVersion"]
    assert chart["appVersion"] in said
