"""What helm says after an installation is true."""

import pytest

from support import helm

WARNINGS = {
    "nothing runs": (helm.alone(""), "No component is enabled"),
    "both monitors": ({"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}}, "Only the ServiceMonitor was created"),
    "unselected monitor": ({"serviceMonitor": {"enabled": True}}, "serviceMonitor.additionalLabels is empty"),
    "unselected rule": ({"prometheusRule": {"enabled": True}}, "prometheusRule.additionalLabels is empty"),
    "left out": ({"serviceMonitor": {"enabled": True, "renderMode": "ifPresent"}}, "serviceMonitor was left out: the cluster has no kind"),
    "rules left out": ({"prometheusRule": {"enabled": True, "renderMode": "ifPresent"}}, "prometheusRule was left out: the cluster has no kind"),
    "no operator": ({"podMonitor": {"enabled": True}}, "the cluster has no kind PodMonitor"),
    "rules without a scrape": ({"prometheusRule": {"enabled": True}}, "the alerts on absence will fire"),
    "no grafana-operator": ({"dashboards": {"enabled": True, "grafanaOperator": {"enabled": True}}}, "the cluster has no kind GrafanaDashboard"),
    "every Grafana": ({"dashboards": {"enabled": True, "grafanaOperator": {"enabled": True}}}, "every Grafana imports the dashboards"),
    "no replicas": ({"replicas": 0}, "headless has no replicas"),
    "blocked drain": ({"podDisruptionBudget": {"enabled": True, "minAvailable": 1}}, "blocks the drain of their nodes"),
    "blocked drain by a percentage": (
        {"podDisruptionBudget": {"enabled": True, "minAvailable": "51%"}, "replicas": 2},
        "minAvailable=51% with 2 replicas",
    ),
    "blocked drain by none": ({"podDisruptionBudget": {"enabled": True, "maxUnavailable": 0}, "replicas": 3}, "maxUnavailable=0 with 3 replicas"),
    "blocked drain of what is scaled": (
        {"podDisruptionBudget": {"enabled": True, "minAvailable": 1}, "autoscaling": {"enabled": True}, "replicas": 3},
        "minAvailable=1 with 1 replicas",
    ),
    "standbys": ({"autoscaling": {"enabled": True}}, "one works and the others stand by"),
    "no vertical autoscaler": ({"vpa": {"enabled": True}}, "the cluster has no kind VerticalPodAutoscaler"),
    "two autoscalers": ({"vpa": {"enabled": True}, "autoscaling": {"enabled": True}}, "work against each other"),
    "wide rights": ({"rbac": {"namespaces": ["a"]}}, "Set rbac.scope=namespace to limit both"),
    "no rights": ({"rbac": {"create": False}}, "rbac.create is false"),
}


@pytest.mark.parametrize(("values", "warning"), WARNINGS.values(), ids=WARNINGS)
def test_what_will_not_work_is_said(values, warning):
    """Each of these renders, and surprises somebody later."""
    assert warning in helm.notes(values)


@pytest.mark.parametrize("budget", [{}, {"minAvailable": 1}, {"minAvailable": "50%"}, {"maxUnavailable": "1%"}], ids=str)
def test_a_budget_that_lets_a_pod_go_needs_no_warning(budget):
    """Percentages are rounded up to whole pods, as Kubernetes does."""
    assert "blocks the drain" not in helm.notes({"podDisruptionBudget": {"enabled": True, **budget}, "replicas": 2})


def test_a_number_of_replicas_that_others_choose_needs_no_warning():
    assert "no replicas" not in helm.notes({"replicas": None})


def test_the_defaults_need_no_warning():
    """What is installed and how to look at it; nothing to mind."""
    said = helm.notes()

    assert "headless   on" in said
    assert "follows the annotation prometheus.io/scrape" in said
    assert "helm test steward" in said
    assert "Mind:" not in said


@pytest.mark.parametrize(
    ("values", "scraper"),
    [
        ({"serviceMonitor": {"enabled": True}}, "by ServiceMonitors"),
        ({"podMonitor": {"enabled": True}}, "by PodMonitors"),
        ({"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}}, "by ServiceMonitors"),
        ({"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}, "metrics": {"enabled": False}}, "by PodMonitors"),
        ({"metrics": {"prometheusAnnotations": False}}, "Nothing here tells Prometheus to scrape"),
        ({"metrics": {"enabled": False}}, "Nothing here tells Prometheus to scrape"),
    ],
    ids=["service", "pod", "both", "both without a Service", "without annotations", "without a Service"],
)
def test_who_scrapes_is_said(values, scraper):
    """One sentence, and the right one."""
    assert scraper in helm.notes(values)


def test_the_example_works_with_the_configured_annotation():
    """The command that the notes show is the one that has an effect."""
    said = helm.notes({"components": {"headless": {"config": {"annotation": "example.com/name"}}}})

    assert "kubectl annotate pod <pod> example.com/name=true" in said


@pytest.mark.parametrize(
    ("rbac", "said"),
    [({}, None), ({"namespaces": ["a", "b"]}, "these namespaces only: a, b."), ({"scope": "namespace"}, "these namespaces only: steward.")],
    ids=["all", "listed", "own"],
)
def test_where_it_looks_is_said(rbac, said):
    """Whoever annotates a pod elsewhere waits in vain."""
    found = helm.notes({"rbac": rbac})

    assert (said or "Components:") in found
    assert ("namespaces only" in found) is bool(said)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"rbac": {"scope": "namespace"}}, "webhook runs, and nobody calls it"),
        ({"terminationGracePeriodSeconds": 19}, "terminationGracePeriodSeconds of webhook is 19"),
        ({"components": {"webhook": {"terminationGracePeriodSeconds": 5}}}, "terminationGracePeriodSeconds of webhook is 5"),
    ],
    ids=["nobody calls", "short for all", "short for it"],
)
def test_a_webhook_that_cannot_do_its_work_is_told_of(values, said):
    """Only where it runs."""
    enabled = values.get("components", {}).get("webhook", {})

    assert said in helm.notes(values)
    assert said not in helm.notes({**values, "components": {"webhook": {**enabled, "enabled": False}}})
    assert said not in helm.notes({"terminationGracePeriodSeconds": 20})
