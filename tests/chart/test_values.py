"""values.yaml says everything, and everything it says is used."""

import re
from functools import reduce
from operator import getitem
from pathlib import Path

import pytest
import yaml

from steward import components
from support import helm
from support.paths import dotted, leaves, merge, nest

VALUES = yaml.safe_load((helm.CHART / "values.yaml").read_text())
LEAVES = dict(leaves(VALUES))

MONITOR = {
    "renderMode": "ifPresent",
    "jobLabel": "app.kubernetes.io/name",
    "interval": "30s",
    "scrapeTimeout": "10s",
    "scheme": "https",
    "tlsConfig": {"insecureSkipVerify": True},
    "authorization": {"type": "Bearer"},
    "basicAuth": {"username": {"name": "a", "key": "b"}},
    "params": {"name[]": ["up"]},
    "relabelings": [{"action": "labeldrop", "regex": "pod"}],
    "metricRelabelings": [{"action": "labeldrop", "regex": "pod"}],
    "bodySizeLimit": "10MB",
}
SEVERITIES = ("critical", "warning", "info")
RECEIVERS = {name: {"webhook": [{"urlSecret": {"name": name, "key": "url"}}]} for name in ("team", "other")}
ROUTES = {severity: {"receiver": "team"} for severity in SEVERITIES}

CHANGED = {
    "global.imagePullSecrets": ["mirror"],
    "global.compatibility.openshift.adaptSecurityContext": "force",
    "image.digest": "sha256:" + "0" * 64,
    "image.pullPolicy": "Always",
    "imagePullSecrets": ["registry"],
    "tolerations": [{"operator": "Exists"}],
    "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    "podAntiAffinityPreset": "hard",
    "strategy": {"type": "Recreate"},
    "hostAliases": [{"ip": "192.0.2.1", "hostnames": ["proxy"]}],
    "dnsPolicy": "Default",
    "dnsConfig": {"options": [{"name": "ndots", "value": "2"}]},
    "hostUsers": False,
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}],
    "podSecurityContext.seccompProfile.type": "Unconfined",
    "securityContext.capabilities.drop": ["NET_RAW"],
    "metrics.port": 9000,
    "metrics.tls.mode": "certManager",
    "metrics.tls.certManager.duration": "2160h",
    "metrics.tls.certManager.renewBefore": "360h",
    "metrics.authorization.subjects": [{"kind": "Group", "name": "sre"}],
    "extraArgs": ["--log-level=debug"],
    "extraEnv": [{"name": "A", "value": "b"}],
    "extraEnvFrom": [{"configMapRef": {"name": "a"}}],
    "extraVolumes": [{"name": "a", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "a", "mountPath": "/a"}],
    "extraContainers": [{"name": "a", "image": "b"}],
    "extraInitContainers": [{"name": "a", "image": "b"}],
    "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
    "logLevel": "debug",
    "logFormat": "text",
    "tracing.endpoint": "http://collector:4318",
    "tracing.sampleRatio": 0.1,
    "podDisruptionBudget.minAvailable": 1,
    "podDisruptionBudget.maxUnavailable": "50%",
    "podDisruptionBudget.unhealthyPodEvictionPolicy": "AlwaysAllow",
    "autoscaling.targetMemoryUtilizationPercentage": 70,
    "autoscaling.metrics": [{"type": "Pods"}],
    "autoscaling.behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}},
    "vpa.updateMode": "Off",
    "vpa.containerPolicy": {"minAllowed": {"memory": "64Mi"}},
    "governance.injectedContainers": ["mesh"],
    "governance.systemNamespaces": ["kube-*"],
    "components.headless.config.legacyAnnotations": [],
    "components.headless.config.hostNetwork": "deny",
    "components.headless.config.longNames": "hash",
    "components.watch.config.bundle": "baseline",
    "components.watch.config.formula": "ratio",
    "components.policy.config.formula": "ratio",
    "components.policy.config.remediation.windows": [{"start": "22:00", "end": "04:00"}],
    "components.policy.config.remediation.protectedNamespaces": ["kube-system"],
    "components.policy.config.remediation.otherManagers": ["terraform"],
    "components.webhook.strategy.type": "Recreate",
    "components.webhook.config": {"injectedContainers": ["envoy"]},
    "components.webhook.admission.failurePolicy": "Fail",
    "components.webhook.admission.excludeNamespaces": ["a"],
    "components.webhook.admission.namespaceSelector": {"matchLabels": {"a": "b"}},
    "components.webhook.admission.objectSelector": {"matchLabels": {"a": "b"}},
    "components.webhook.admission.matchConditions": [{"name": "a", "expression": "true"}],
    "components.webhook.tls.mode": "certManager",
    "components.webhook.tls.certManager.duration": "2160h",
    "components.webhook.tls.certManager.renewBefore": "360h",
    "rbac.scope": "namespace",
    "rbac.namespaces": ["a"],
    "rbac.extraRules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}],
    "metrics.service.ipFamilyPolicy": "PreferDualStack",
    "metrics.service.ipFamilies": ["IPv6"],
    **{f"{monitor}.{key}": value for monitor in ("serviceMonitor", "podMonitor") for key, value in MONITOR.items()},
    "prometheusRule.renderMode": "ifPresent",
    "prometheusRule.groups": {"steward-headless": {"interval": "1m"}},
    "prometheusRule.additionalGroups": {"mine": {"rules": [{"record": "a", "expr": "b"}]}},
    "dashboards.disabled": {"headless": True},
    "dashboards.grafanaOperator.resyncPeriod": "1h",
    "prometheusRule.rules": {"OperatorDown": {"severity": "info"}},
    "prometheusRule.objectives": {"steward-headless-names": 95},
    "alertmanagerConfig.renderMode": "ifPresent",
    "alertmanagerConfig.receivers": {"other": {"webhook": [{"url": "https://hooks.example.com/other"}]}},
    "alertmanagerConfig.groupBy": ["alertname"],
    "alertmanagerConfig.plain.defaultReceiver": "team",
    **{f"alertmanagerConfig.routes.{severity}.receiver": "other" for severity in SEVERITIES},
    **{f"alertmanagerConfig.routes.{severity}.{time}": "3m" for severity in SEVERITIES for time in ("groupWait", "groupInterval", "repeatInterval")},
    "networkPolicy.metricsFrom": [{"podSelector": {}}],
    "networkPolicy.extraIngress": [{"ports": [{"port": 1}]}],
    "networkPolicy.egress.apiServerPorts": [16443],
    "networkPolicy.egress.extra": [{"ports": [{"port": 1}]}],
    "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}],
}
"""A value other than the default, where none can be guessed from its type."""

EXISTING = {"mode": "existingSecret", "existingSecret": "a", "caBundle": "b"}

NEEDS = {
    "global.compatibility": {"podSecurityContext": {"fsGroup": 1}},
    "autoscaling": {"autoscaling": {"enabled": True}},
    "vpa": {"vpa": {"enabled": True}},
    "podMonitor": {"serviceMonitor": {"enabled": False}, "podMonitor": {"enabled": True}},
    "dashboards.grafanaOperator": {"dashboards": {"grafanaOperator": {"enabled": True}}},
    "alertmanagerConfig": {"alertmanagerConfig": {"enabled": True, "plain": {"enabled": True}, "receivers": RECEIVERS, "routes": ROUTES}},
    "dashboards.folderAnnotation": {"dashboards": {"folder": "Steward"}},
    "metrics.enabled": {"serviceMonitor": {"enabled": False}},
    "metrics.tls.mode": {"metrics": {"tls": {"enabled": True, "certManager": {"issuerRef": {"name": "ca"}}}}},
    "metrics.tls.existingSecret": {"metrics": {"tls": {"enabled": True, "mode": "existingSecret", "existingSecret": "a"}}},
    "metrics.tls.certManager": {"metrics": {"tls": {"enabled": True, "mode": "certManager", "certManager": {"issuerRef": {"name": "ca"}}}}},
    "metrics.authorization": {"metrics": {"tls": {"enabled": True}, "authorization": {"enabled": True}}},
    "metrics.prometheusAnnotations": {"serviceMonitor": {"enabled": False}},
    "components.webhook.tls.mode": {"components": {"webhook": {"tls": {"certManager": {"issuerRef": {"name": "ca"}}}}}},
    "components.webhook.tls.certManager": {"components": {"webhook": {"tls": {"mode": "certManager", "certManager": {"issuerRef": {"name": "ca"}}}}}},
    **{f"components.webhook.tls.{key}": {"components": {"webhook": {"tls": EXISTING}}} for key in EXISTING if key != "mode"},
}
"""What has to be set for a value to show: values by the path, or the beginning of it."""

UNSEEN: dict[str, str] = {"components.webhook.admission.allowFailWithOneReplica": "it only lets pass what is refused without it"}
"""Values that may change nothing in the render, with the reason."""


OWN = {"admission", "tls"}
"""Blocks that a component has for itself, without a default for all."""


def other(path, value):
    """Some other valid value."""
    if dotted(path) in CHANGED:
        return CHANGED[dotted(path)]
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return f"{value}x" if value else "changed"
        case []:
            return ["changed"]
        case {}:
            return {"changed": "yes"}
    raise AssertionError(f"name another value of {dotted(path)} in CHANGED")


@pytest.mark.parametrize("path", LEAVES, ids=dotted)
def test_every_value_changes_something(path):
    """A value that can be set and is read by nobody is a promise that is not kept. Looked at with the component alone that it is of."""
    component = path[1] if path[0] == "components" else {"crds": "policy", "governance": "webhook"}.get(path[0], "headless")
    needs = [found for prefix, found in NEEDS.items() if dotted(path).startswith(prefix)]
    base = merge(helm.alone(component), helm.ENABLED, {"networkPolicy": {"egress": {"enabled": True}}}, *needs)
    before = reduce(getitem, path, merge(VALUES, base))

    changes = helm.text(merge(base, nest(path, other(path, before)))) != helm.text(base)

    assert changes or dotted(path) in UNSEEN


def read_by_templates():
    """Every path of values that some template reads, by its own name or by that of a variable, with the file."""
    for file in filter(Path.is_file, helm.CHART.rglob("templates/**/*")):
        text = file.read_text()
        for match in re.finditer(r"\.Values((?:\.\w+)+)", text):
            yield file.name, match[1]
        for variable, path in re.findall(r"{{-? *\$(\w+) :?= (?:\$|\.context|\$\.context)?\.Values((?:\.\w+)+) *-?}}", text):
            for match in re.finditer(rf"\${variable}((?:\.\w+)+)", text):
                yield file.name, path + match[1]


@pytest.mark.parametrize(("file", "path"), sorted(set(read_by_templates())))
def test_every_value_that_a_template_reads_is_in_values_yaml(file, path):
    """A path of a template that values.yaml does not have is a typo, or a value without documentation."""
    known = {path[:length] for path in LEAVES for length in range(1, len(path) + 1)}

    assert tuple(path.strip(".").split(".")) in known, f"{file} reads .Values{path}"


@pytest.mark.parametrize("component", helm.NAMES)
def test_the_defaults_of_components_are_the_keys_that_a_component_accepts(schema, component):
    """The list in _components.tpl, the root of values.yaml and the schema agree on what a component overrides; not all have an election."""
    template = (helm.CHART / "templates" / "_components.tpl").read_text()
    listed = yaml.safe_load(re.search(r'define "steward.component.defaults" -}}\n(.*?){{- end }}', template, re.DOTALL)[1])["keys"]
    accepted = schema["properties"]["components"]["properties"][component]["properties"].keys() - {"enabled", "config"} - OWN

    assert set(listed) - accepted == (set() if components.load(component).elects_leader else {"leaderElection"})
    assert accepted <= set(listed)
    assert set(listed) <= set(VALUES)


@pytest.mark.parametrize("path", LEAVES, ids=dotted)
def test_every_value_is_explained(path):
    """Above each key, or above a block that it is part of, stands a comment that begins with --."""
    lines = (helm.CHART / "values.yaml").read_text().splitlines()
    number = -1
    for depth, key in enumerate(path):
        pattern = re.compile(rf"^{'  ' * depth}{re.escape(key)}:")
        number = next(n for n in range(number + 1, len(lines)) if pattern.match(lines[n]))
        if lines[number - 1].strip().startswith("# -- "):
            return
    pytest.fail(f"no comment `# -- …` above {dotted(path)}")


def test_the_configuration_has_the_programs_defaults(schema):
    """What values.yaml shows as the default of a component's configuration is the program's own."""

    def defaults(found):
        return {key: defaults(value) if "properties" in value else value["default"] for key, value in found["properties"].items()}

    shared = VALUES["governance"]
    for name, component in schema["properties"]["components"]["properties"].items():
        config = component["properties"]["config"]
        inherited = {key: shared[key] for key in shared.keys() & config["properties"].keys()}
        assert defaults(config) == VALUES["components"][name]["config"] | inherited
