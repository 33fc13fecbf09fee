"""Panels about admission, of the component ``webhook``: its own figures, and those of the API server that calls it."""

from dashboards.alerts import threshold
from dashboards.panels import Query, Step, graph, stat
from dashboards.queries import WHERE, or_zero, quantile, quantiles, rate, share

OURS = 'cluster=~"$cluster", name=~".+[.]webhook[.]steward[.]dev"'
"""Selects what the API server says of our webhooks. It is scraped by another job."""

BUCKETS = f"kube_devops_webhook_request_duration_seconds_bucket{{{WHERE}}}"
FAILURES = f"kube_devops_webhook_failures_total{{{WHERE}}}"
UNREACHED = (
    rate(f"apiserver_admission_webhook_fail_open_count{{{OURS}}}"),
    rate(f'apiserver_admission_webhook_rejection_count{{{OURS}, error_type="calling_webhook_error"}}'),
)
LIVES = "kube_devops_webhook_certificate"
LEFT = (
    f"({LIVES}_expiry_timestamp_seconds{{{WHERE}}} - time()) "
    f"/ ({LIVES}_expiry_timestamp_seconds{{{WHERE}}} - {LIVES}_not_before_timestamp_seconds{{{WHERE}}})"
)


def requests(extra: str = "", by: str = "") -> str:
    """Reviews per second."""
    return rate(f"kube_devops_webhook_requests_total{{{WHERE}{extra}}}", by)


REAL = ', dry_run="false"'

DENIED = stat(
    id=5,
    title="Denied pods, share",
    description=(
        "Reviews that ended with a denial, of all but dry runs. Red is where KubeDevopsWebhookHighDenyRate begins to count: workloads do not "
        "come up. The breakdown below says for what."
    ),
    unit="percentunit",
    queries=(Query(share(requests(', allowed="false"' + REAL), requests(REAL)), "Share"),),
    steps=(Step(threshold("KubeDevopsWebhookHighDenyRate", "ratio")),),
    alerts=("KubeDevopsWebhookHighDenyRate",),
    maximum=1,
    decimals=1,
)

HEALTH = (
    DENIED,
    stat(
        id=6,
        title="Reviews not judged",
        description=(
            "Reviews within the shown time that were answered by the failure policy: pods admitted unseen, or refused for no fault of theirs. The "
            "row Webhook has their reasons."
        ),
        unit="short",
        queries=(Query(or_zero(f"sum(increase({FAILURES}[$__range]))"), "Reviews"),),
        steps=(Step(threshold("KubeDevopsWebhookFailures", "failures")),),
        alerts=("KubeDevopsWebhookFailures",),
        decimals=0,
    ),
)

REQUESTS = graph(
    id=8,
    title="Webhook Requests",
    description=(
        "Reviews per second by what is done to the pod. It follows how many pods are created. Zero while pods are created means that the API server "
        "does not reach the webhook."
    ),
    unit="reqps",
    queries=(Query(requests(by="operation"), "{{operation}}"),),
    stacked=True,
    legend="list",
)

WEBHOOK = (
    graph(
        id=60,
        title="Allow/Deny Rate",
        description=(
            "Reviews per second by their verdict; dry runs count too. Denials that stay are one workload whose controller tries again and again: the "
            "Events of its ReplicaSet have the words of the webhook."
        ),
        unit="reqps",
        queries=(
            Query(requests(', allowed="true"'), "allowed"),
            Query(requests(', allowed="false"'), "denied"),
        ),
        colors={"^allowed$": "green", "^denied$": "red"},
        stacked=True,
        alerts=("KubeDevopsWebhookHighDenyRate",),
        legend="right",
    ),
    graph(
        id=61,
        title="Denial Breakdown",
        description=(
            "Denials per second by violation and namespace. The message that the user sees names policy, container and what to change; an exemption "
            "with an end lets it pass for a while."
        ),
        unit="reqps",
        queries=(
            Query(
                rate(f'kube_devops_webhook_denials_total{{{WHERE}, namespace=~"$namespace"}}', "namespace, violation"), "{{namespace}} {{violation}}"
            ),
        ),
        stacked=True,
        legend="right",
    ),
    graph(
        id=62,
        title="Request Latency",
        description=(
            "How long the webhook takes for a review. It asks nobody, so it is a millisecond or less; above the lines it lacks CPU. Every pod waits "
            "for it."
        ),
        unit="s",
        queries=quantiles(BUCKETS, 0.5, 0.9, 0.99),
        steps=(
            Step(threshold("KubeDevopsWebhookSlow", "seconds"), "orange"),
            Step(threshold("KubeDevopsWebhookSlowCritical", "seconds")),
        ),
        alerts=("KubeDevopsWebhookSlow", "KubeDevopsWebhookSlowCritical"),
        legend="right",
    ),
    graph(
        id=63,
        title="Warnings",
        description=(
            "Warnings per second by violation: of policies that audit, and of severities that do not deny. kubectl shows them to whoever applies the "
            "object; controllers show them to nobody."
        ),
        unit="reqps",
        queries=(Query(rate(f"kube_devops_webhook_warnings_total{{{WHERE}}}", "violation"), "{{violation}}"),),
        stacked=True,
        legend="right",
    ),
    graph(
        id=64,
        title="Reviews not judged, by reason",
        description=(
            "Reviews per second that were answered by the failure policy, and why: too little time or CPU, caches that are not filled, a review that "
            "cannot be read. The log has a line for each."
        ),
        unit="reqps",
        queries=(Query(rate(FAILURES, "reason"), "{{reason}}"),),
        stacked=True,
        alerts=("KubeDevopsWebhookFailures",),
        legend="right",
    ),
    graph(
        id=65,
        title="Reviews in work",
        description=(
            "Reviews that are being answered, over all replicas. It is near zero. If it stays high, reviews come faster than they are answered: more "
            "replicas, and no CPU limit."
        ),
        unit="short",
        queries=(Query(f"sum(kube_devops_webhook_in_flight{{{WHERE}}})", "reviews"),),
        legend="list",
    ),
)

SERVER = (
    graph(
        id=40,
        title="Calls that failed, as the API server sees it",
        description=(
            "Calls of the webhook that got no answer the API server can use, per second: after which pods were admitted unseen, or refused. It needs "
            "the metrics of the API server."
        ),
        unit="reqps",
        queries=(Query(or_zero(UNREACHED[0]), "admitted unseen"), Query(or_zero(UNREACHED[1]), "refused")),
        colors={"^admitted unseen$": "orange", "^refused$": "red"},
        alerts=("KubeDevopsWebhookUnreachable", "KubeDevopsWebhookFailedOpen"),
        legend="list",
    ),
    graph(
        id=41,
        title="Duration of calls, as the API server sees it",
        description=(
            "How long the API server waits for the webhook, 99th percentile, connection and network included. If the webhook itself is fast, it is "
            "the way there: a proxy, the network between control plane and nodes."
        ),
        unit="s",
        queries=(Query(quantile(0.99, f"apiserver_admission_webhook_admission_duration_seconds_bucket{{{OURS}}}", "name"), "{{name}}"),),
        steps=(Step(threshold("KubeDevopsWebhookCallsSlow", "seconds"), "orange"),),
        alerts=("KubeDevopsWebhookCallsSlow", "KubeDevopsWebhookSlow"),
        legend="list",
    ),
    graph(
        id=42,
        title="Certificates, life that is left",
        description=(
            "Part of their life that the certificates have left, the lowest of all replicas. Renewal is due at a third. Below the line nobody "
            "renews: go on as in the runbook of KubeDevopsWebhookCertificateExpiring."
        ),
        unit="percentunit",
        queries=(Query(f"min by (certificate) ({LEFT})", "{{certificate}}"),),
        base="red",
        steps=(Step(threshold("KubeDevopsWebhookCertificateExpiring", "ratio"), "green"),),
        alerts=("KubeDevopsWebhookCertificateExpiring",),
        maximum=1,
        legend="list",
    ),
    graph(
        id=43,
        title="Certificate rotations",
        description=(
            "Steps of the rotation of certificates, per hour. A leaf lives for a week and a CA for a year, so it is nearly always zero. A step that "
            "repeats is one that does not succeed: read the log of the leader."
        ),
        unit="short",
        queries=(Query(f"{rate(f'kube_devops_webhook_certificate_rotations_total{{{WHERE}}}', 'step')} * 3600", "{{step}}"),),
        legend="right",
    ),
)
