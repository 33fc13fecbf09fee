"""Every switch works alone and together with all others."""

import pytest
import yaml

from support import helm
from support.paths import dotted, leaves, merge, nest

SWITCHES = [path for path, value in leaves(yaml.safe_load((helm.CHART / "values.yaml").read_text())) if isinstance(value, bool)]
DEFAULTS = {path: value for path, value in leaves(yaml.safe_load((helm.CHART / "values.yaml").read_text())) if isinstance(value, bool)}

REFUSED = {
    "dashboards.enabled": r"dashboards\.grafanaOperator\.enabled: needs the ConfigMaps",
    "metrics.enabled": r"metrics\.authorization\.enabled: with a PodMonitor",
    "metrics.tls.enabled": r"metrics\.authorization\.enabled: tokens would be sent in the clear",
    "serviceMonitor.enabled": r"metrics\.authorization\.enabled: with a PodMonitor",
    "leaderElection.enabled": r"autoscaling\.maxReplicas: 3 replicas without leader election",
}
"""Switches that others cannot do without, and what is said of it."""

NEEDS = {
    "dashboards.grafanaOperator.enabled": {"dashboards": {"enabled": True}},
    "metrics.authorization.enabled": {"metrics": {"tls": {"enabled": True}}},
}
"""What a switch cannot do without."""


def all_switched(to):
    """All switches on, or off."""
    return merge(*(nest(path, to) for path in SWITCHES))


@pytest.mark.parametrize("path", SWITCHES, ids=dotted)
def test_each_switch_alone(path):
    """The other position of one switch, and nothing else changed, renders."""
    objects = helm.render(merge(NEEDS.get(dotted(path), {}), nest(path, not DEFAULTS[path])))

    assert bool(objects) is (dotted(path) != "components.headless.enabled")


@pytest.mark.parametrize("to", [True, False], ids=["on", "off"])
def test_all_switches(to):
    """All on, and all off."""
    objects = helm.render(all_switched(to))

    assert bool(objects) is to


@pytest.mark.parametrize("path", SWITCHES, ids=dotted)
def test_all_switches_on_but_one(path):
    """No switch depends silently on another: the exceptions say what is missing."""
    values = merge(all_switched(True), nest(path, False))
    if dotted(path) in REFUSED:
        with pytest.raises(helm.RenderError, match=REFUSED[dotted(path)]):
            helm.render(values)
    else:
        helm.render(values)


@pytest.mark.parametrize("switch", ["serviceMonitor", "podMonitor", "prometheusRule", "dashboards", "networkPolicy", "podDisruptionBudget", "tests"])
def test_monitoring_does_not_restart_pods(switch):
    """Switching on what watches the pods leaves their template as it is."""
    before = helm.only(helm.render(), "Deployment")
    after = helm.only(helm.render({switch: {"enabled": True}}), "Deployment")

    assert before["spec"] == after["spec"]


@pytest.mark.parametrize("change", [{"logLevel": "debug"}, {"leaderElection": {"leaseDurationSeconds": 30}}, {"metrics": {"port": 9000}}])
def test_a_changed_configuration_restarts_pods(change):
    """The pod template carries a checksum of the configuration file."""
    checksums = {
        helm.only(objects, "Deployment")["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
        for objects in (helm.render(), helm.render(change))
    }

    assert len(checksums) == 2
