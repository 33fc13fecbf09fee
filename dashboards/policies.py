"""Panels about DevOpsPolicies, of the component ``policy``."""

from dashboards.alerts import threshold
from dashboards.panels import ABOVE_ZERO, Query, Step, graph, stat
from dashboards.queries import WHERE, or_zero, quantiles, rate, share
from dashboards.scores import CLASSES, IN_NAMESPACE

RECONCILES = f"devopspolicy_reconcile_total{{{WHERE}}}"
ERRORS = f"devopspolicy_reconcile_errors_total{{{WHERE}}}"
SEVERITIES = {"^critical$": "red", "^high$": "orange", "^medium$": "yellow", "^low$": "blue"}


def gauge(metric: str, by: str = "", extra: str = "") -> str:
    """A gauge of the policies in the chosen namespaces, by further labels, each once however many replicas show it."""
    return f"max by (cluster, namespace, policy{by and f', {by}'}) (devopspolicy_{metric}{{{IN_NAMESPACE}{extra}}})"


def violations(extra: str = "") -> str:
    """Violations of the chosen namespaces."""
    return gauge("violations", "type, severity", extra)


CRITICAL = violations(', severity="critical"')
EVALUATED = gauge("last_evaluation_timestamp_seconds")


def remediations(metric: str, by: str = "") -> str:
    """Remediations per second, of one kind."""
    return rate(f"devopspolicy_remediations_{metric}_total{{{WHERE}}}", by)


FAILED = stat(
    id=3,
    title="Failed evaluations, share",
    description=(
        "Evaluations of policies that ended with an error, of all. Red is where DevOpsPolicyReconcileErrors begins to count: the log of the "
        "component policy has the API server's answer."
    ),
    unit="percentunit",
    queries=(Query(share(rate(ERRORS), rate(RECONCILES)), "Share"),),
    steps=(Step(threshold("DevOpsPolicyReconcileErrors", "ratio")),),
    alerts=("DevOpsPolicyReconcileErrors",),
    maximum=1,
    decimals=1,
)

HEALTH = (
    FAILED,
    stat(
        id=4,
        title="Oldest evaluation",
        description=(
            "How long ago the policy that waits longest was evaluated and told. It is at most half a minute. If it grows, nobody leads, or what is "
            "written about that policy is refused: the log says why."
        ),
        unit="s",
        queries=(Query(or_zero(f"max(time() - {EVALUATED})"), "Age"),),
        steps=(Step(threshold("DevOpsPolicyReconcileStalled", "seconds")),),
        alerts=("DevOpsPolicyReconcileStalled",),
    ),
)

CYCLES = graph(
    id=7,
    title="Reconcile Cycles",
    description=(
        "Evaluations of policies per second: each policy twice a minute, and when its pods change. Flat at zero with policies in the cluster means "
        "that nobody leads, or that the caches are not filled."
    ),
    unit="ops",
    queries=(Query(rate(RECONCILES), "evaluations"),),
    legend="list",
)

RECONCILE = (
    graph(
        id=20,
        title="Violations by Namespace",
        description=(
            "Violations of all policies of a namespace, without what is exempt. The status of a policy and its last audit result name pods and "
            "containers, with what to change."
        ),
        unit="short",
        queries=(Query(f"sum by (namespace) ({violations()})", "{{namespace}}"),),
        stacked=True,
        legend="right",
    ),
    graph(
        id=21,
        title="Health Scores",
        description=(
            "The score of each policy: of the pods of its namespace, by what it asks of them. Green is Healthy, red Critical. kubectl describe "
            "devopspolicy says what costs the points."
        ),
        unit="percent",
        queries=(Query(f"min by (namespace, policy) ({gauge('health_score')})", "{{namespace}}/{{policy}}"),),
        base="red",
        steps=CLASSES,
        maximum=100,
        legend="right",
    ),
    graph(
        id=22,
        title="Reconcile Rate",
        description=(
            "Evaluations of policies per second, by how they ended. Errors that stay are for somebody to mend: the log of the component policy has "
            "each with the API server's answer."
        ),
        unit="ops",
        queries=(Query(rate(RECONCILES, "result"), "{{result}}"),),
        colors={"^error$": "red", "^success$": "green"},
        stacked=True,
        legend="right",
    ),
    graph(
        id=23,
        title="Reconcile Errors",
        description=(
            "Evaluations that ended with an error, per second; red if there was any. They are tried again with growing pauses. If it stays above "
            "zero, go on as in the runbook of DevOpsPolicyReconcileErrors."
        ),
        unit="ops",
        queries=(Query(rate(ERRORS), "errors"),),
        steps=(ABOVE_ZERO,),
        by_steps=True,
        alerts=("DevOpsPolicyReconcileErrors",),
        legend="list",
    ),
    graph(
        id=24,
        title="Reconcile Duration",
        description=(
            "How long an evaluation takes, its writes included. It grows with the number of pods of a namespace; if it jumps, the API server is slow "
            "(dashboard Runtime), or the process lacks CPU."
        ),
        unit="s",
        queries=quantiles(f"devopspolicy_reconcile_duration_seconds_bucket{{{WHERE}}}", 0.5, 0.9, 0.99),
        legend="right",
    ),
    graph(
        id=25,
        title="Remediations Applied",
        description=(
            "Workloads that were patched, per second, by what they lacked, and those that were put back because their pods did not become available. "
            "Steady state is zero."
        ),
        unit="ops",
        queries=(Query(remediations("applied", "type"), "{{type}}"), Query(remediations("reverted"), "put back")),
        colors={"^put back$": "red"},
        alerts=("DevOpsPolicyRemediationReverted",),
        legend="right",
    ),
    graph(
        id=26,
        title="Remediations Failed",
        description=(
            "Patches, or their proofs by dry run, that were refused, per second, by what the workload lacks; red if there was any. It stays as it "
            "was. An Event on the workload has the words of the API server."
        ),
        unit="ops",
        queries=(Query(remediations("failed", "type"), "{{type}}"),),
        steps=(ABOVE_ZERO,),
        by_steps=True,
        alerts=("DevOpsPolicyRemediationFailed",),
        legend="right",
    ),
    graph(
        id=27,
        title="Remediations Skipped",
        description=(
            "Workloads that were left alone, per second, and why. Those of Flux, Argo CD or Helm are shown the patch in an Event, for whoever keeps "
            "them to commit."
        ),
        unit="ops",
        queries=(Query(remediations("skipped", "reason"), "{{reason}}"),),
        legend="right",
    ),
    stat(
        id=28,
        title="Pods Scanned",
        description=(
            "Pods that were judged within the shown time, each as often as it was looked at. Zero with policies in the cluster means that nothing is "
            "evaluated."
        ),
        unit="short",
        queries=(Query(f"sum(increase(devopspolicy_pods_scanned_total{{{WHERE}}}[$__range]))", "Pods"),),
        base="blue",
        decimals=0,
        height=8,
    ),
    stat(
        id=29,
        title="Enforcement Mode",
        description=(
            "What each policy does: audit warns and reports, enforce denies new pods with violations of severity critical and high, and mends "
            "workloads where that is switched on."
        ),
        unit="none",
        queries=(
            Query(
                f"max by (namespace, policy) (devopspolicy_enforcement_mode{{{IN_NAMESPACE}}})",
                "{{namespace}}/{{policy}}",
            ),
        ),
        texts={0: ("audit", "blue"), 1: ("enforce", "green")},
        width=8,
        height=8,
    ),
)

AUDIT = (
    graph(
        id=50,
        title="Violations by Severity",
        description=(
            "Violations of all policies by their severity. The webhook denies new pods for critical and high ones where a policy enforces; medium "
            "and low ones only warn."
        ),
        unit="short",
        queries=(Query(f"sum by (severity) ({violations()})", "{{severity}}"),),
        colors=SEVERITIES,
        stacked=True,
        legend="right",
    ),
    graph(
        id=51,
        title="Audit Results Over Time",
        description=(
            "Audit results written, per hour. One is written only when a policy's violations changed, so much of it means pods that come and go with "
            "faults, or that flap. The last ten of a policy are kept."
        ),
        unit="short",
        queries=(Query(f"{rate(f'devopspolicy_audit_results_total{{{WHERE}}}')} * 3600", "per hour"),),
        legend="list",
    ),
    stat(
        id=52,
        title="Critical Violations",
        description=(
            "Violations of severity critical: restarts, if the policies say nothing else. kubectl describe devopspolicies -A names the pods; the "
            "last words of a container are in kubectl logs --previous."
        ),
        unit="short",
        queries=(Query(or_zero(f"sum({CRITICAL})"), "Violations"),),
        steps=(Step(1),),
        alerts=("DevOpsPolicyCriticalViolations",),
        width=6,
        height=8,
    ),
    graph(
        id=53,
        title="Exemptions",
        description=(
            "Exemptions of all policies: active, within days of their end, and ended. What has ended does nothing and can be removed from the "
            "policy; what ends soon is mended or prolonged."
        ),
        unit="short",
        queries=(Query(f"sum by (state) ({gauge('exemptions', 'state')})", "{{state}}"),),
        colors={"^expiring$": "orange", "^expired$": "red", "^active$": "green"},
        alerts=("DevOpsPolicyExemptionExpiring",),
        legend="right",
        width=18,
    ),
)
