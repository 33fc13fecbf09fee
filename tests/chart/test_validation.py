"""Combinations that cannot work fail with one line that names the value and the mend."""

import pytest

from support import helm

IMPOSSIBLE = {
    "monitor without a Service": (
        {"metrics": {"enabled": False}, "serviceMonitor": {"enabled": True}},
        "serviceMonitor.enabled: needs the Service that metrics.enabled=false leaves out. Set metrics.enabled=true, or use podMonitor.",
    ),
    "a job from nowhere": (
        {"serviceMonitor": {"enabled": True, "jobLabel": "steward"}},
        (
            'serviceMonitor.jobLabel: what is scraped has no label "steward". It has: app.kubernetes.io/component, app.kubernetes.io/instance, '
            "app.kubernetes.io/managed-by, app.kubernetes.io/name, app.kubernetes.io/part-of, app.kubernetes.io/version, helm.sh/chart, "
            "steward.dev/job."
        ),
    ),
    "a scrape longer than its interval": (
        {"podMonitor": {"enabled": True, "interval": "1m", "scrapeTimeout": "1m1s"}},
        "podMonitor.scrapeTimeout: 1m1s is longer than interval, 1m. Prometheus refuses that; lower it, or leave it empty.",
    ),
    "nothing for grafana-operator": (
        {"dashboards": {"grafanaOperator": {"enabled": True}}},
        "dashboards.grafanaOperator.enabled: needs the ConfigMaps that dashboards.enabled=false leaves out. Set dashboards.enabled=true.",
    ),
    "two folders": (
        {"dashboards": {"grafanaOperator": {"folderRef": "a", "folderUID": "b"}}},
        'dashboards.grafanaOperator.folderRef: names a folder, and so does folderUID. grafana-operator takes one; set the other to "".',
    ),
    "one port twice": ({"metrics": {"port": 8081}}, "metrics.port: 8081 is the port of the probes. Choose another one."),
    "two writers": (
        {"components": {"headless": {"replicas": 2, "leaderElection": {"enabled": False}}}},
        (
            "components.headless.replicas: 2 replicas without leader election would write against each other. "
            "Set leaderElection.enabled=true, or replicas=1."
        ),
    ),
    "any number of writers": (
        {"replicas": None, "leaderElection": {"enabled": False}},
        (
            "components.headless.replicas: null leaves the number to others, and two replicas without leader election would write against "
            "each other. Set leaderElection.enabled=true, or replicas=1."
        ),
    ),
    "more writers when busy": (
        {"autoscaling": {"enabled": True}, "leaderElection": {"enabled": False}},
        (
            "components.headless.autoscaling.maxReplicas: 3 replicas without leader election would write against each other. "
            "Set leaderElection.enabled=true, or maxReplicas=1."
        ),
    ),
    "more at least than at most": (
        {"autoscaling": {"enabled": True, "minReplicas": 4}},
        "components.headless.autoscaling.maxReplicas: 3 is less than minReplicas, 4. Raise it, or lower minReplicas.",
    ),
    "scaled by nothing": (
        {"autoscaling": {"enabled": True, "targetCPUUtilizationPercentage": ""}},
        (
            "components.headless.autoscaling: has nothing to scale by. "
            "Set targetCPUUtilizationPercentage, targetMemoryUtilizationPercentage or metrics."
        ),
    ),
    "volumes replaced": (
        {"podSpecExtra": {"volumes": []}},
        "components.headless.podSpecExtra.volumes: would replace the chart's own. Use extraVolumes, which adds to them.",
    ),
    "lease shorter than the deadline": (
        {"leaderElection": {"leaseDurationSeconds": 10}},
        (
            "components.headless.leaderElection.leaseDurationSeconds: 10 must be more than renewDeadlineSeconds, 10: "
            "else a standby takes over before the leader has stepped down."
        ),
    ),
    "deadline shorter than the pause": (
        {"leaderElection": {"retryPeriodSeconds": 9}},
        (
            "components.headless.leaderElection.renewDeadlineSeconds: 10 must be more than 1.2 times retryPeriodSeconds, 9: "
            "else a leader may step down before it tried to renew."
        ),
    ),
    "two budgets": (
        {"podDisruptionBudget": {"minAvailable": 1, "maxUnavailable": 1}},
        'components.headless.podDisruptionBudget: has minAvailable and maxUnavailable. Kubernetes takes one; set the other to "".',
    ),
}


@pytest.mark.parametrize(("values", "message"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_an_impossible_combination_fails(values, message):
    """The message is one line, and it is all that helm says besides its own frame."""
    with pytest.raises(helm.RenderError) as refused:
        helm.render(values)

    assert message in [line.partition("): ")[2] for line in str(refused.value).splitlines()]


def test_a_disabled_component_is_not_checked():
    """What nobody runs cannot be wrong."""
    helm.render({"replicas": 2, "leaderElection": {"enabled": False}, "components": {"headless": {"enabled": False}}})


def test_who_writes_nothing_may_have_any_number_of_replicas():
    """And has no lease, no right to one, and no setting of an election."""
    objects = helm.render({"components": {"watch": {"replicas": 3}}, "leaderElection": {"enabled": True}}, component="watch")

    assert helm.only(objects, "Deployment")["spec"]["replicas"] == 3
    assert helm.of_kind(objects, "Role") == []
    with pytest.raises(helm.RenderError, match=r"/components/watch'.*leaderElection"):
        helm.render({"components": {"watch": {"leaderElection": {"enabled": True}}}}, component="watch")
