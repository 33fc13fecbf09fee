"""Dashboard of the component ``headless``."""

from dashboards.alerts import threshold
from dashboards.builder import Row, dashboard, variable
from dashboards.objectives import objectives
from dashboards.panels import Panel, Query, Step, graph, stat
from dashboards.queries import WHERE, quantile, quantiles, rate, share

PREFIX = "k8s_headless_service_operator"
COMMON = f'{WHERE}, component="headless"'
ALERT = "HighServiceCreationErrorRate"
BUDGET_ALERTS = [f"Headless{objective}BudgetBurn{speed}" for objective in ("Names", "Availability") for speed in ("Fast", "Slow")]
TO_MEND = "name_too_long|invalid_name|conflict|host_network"
"""Reasons that do not pass by themselves."""


def series(metric: str, extra: str = "") -> str:
    """One of the component's metrics, of the chosen processes."""
    return f"{PREFIX}_{metric}{{{WHERE}{extra}}}"


def state(metric: str, label: str, *, extra: str = "", total: bool = False) -> str:
    """A gauge by its label, or all of it, summed over clusters. Within one, all replicas read the same from their caches, so the highest counts."""
    highest = f"max by (cluster, {label}) ({series(metric, extra)})"
    return f"sum({highest})" if total else f"sum by ({label}) ({highest})"


def operations(extra: str = "", by: str = "") -> str:
    """Operations per second."""
    return rate(series("operations_total", extra), by)


BUCKETS = series("reconcile_duration_seconds_bucket")
IN_NAMESPACE = ', namespace=~"$namespace"'
CREATE = ', operation="create"'
FAILED = ', status="error"'

HEALTH = (
    stat(
        id=10,
        title="Services",
        description=(
            "Pods that have a name: headless Services that belong to a pod, in the chosen namespaces. It follows the number of annotated pods. "
            "If it falls and nobody scaled down, look for removed annotations and for failing operations below."
        ),
        unit="short",
        queries=(Query(state("services", "namespace", extra=IN_NAMESPACE, total=True), "Services"),),
        base="blue",
    ),
    stat(
        id=13,
        title="Missing names",
        description=(
            "Annotated pods whose name does not answer with their addresses, but should. It is above zero for moments while pods come. If it "
            "stays, writes fail or nobody leads: look at the failed operations, and at the Leader beside."
        ),
        unit="short",
        queries=(Query(f"sum(max by (cluster) ({series('missing_services')}))", "Pods"),),
        alerts=("HeadlessServicesMissing",),
        steps=(Step(1, "orange"),),
    ),
    stat(
        id=11,
        title="Pods to mend",
        description=(
            "Annotated pods that get no name until somebody changes them: the name is too long, not valid or taken, or the pod is in the network "
            "of its node. The Events of the pod say what to change: kubectl get events -A --field-selector type=Warning."
        ),
        unit="short",
        queries=(Query(state("skipped_pods", "reason", extra=f', reason=~"{TO_MEND}"', total=True), "Pods"),),
        steps=(Step(1, "orange"),),
        alerts=("HeadlessPodsUnservable",),
    ),
    stat(
        id=12,
        title="Failed creations, share",
        description=(
            "Failed creations of all. Red is where HighServiceCreationErrorRate begins to count, if there are enough of them: pods have no name. "
            "Its runbook goes from the API server's answer to the cause."
        ),
        unit="percentunit",
        queries=(Query(share(operations(CREATE + FAILED), operations(CREATE)), "Share"),),
        steps=(Step(threshold(ALERT, "ratio")),),
        alerts=(ALERT,),
        maximum=1,
        decimals=1,
    ),
    stat(
        id=14,
        title="Delay of names, p99",
        description=(
            "How long pods waited for their name, from the moment their address was seen until the name answered with it. It grows with failing "
            "or slow writes, with a queue that is long, and while nobody leads: the panels below say which of them it is."
        ),
        unit="s",
        queries=(Query(quantile(0.99, series("name_delay_seconds_bucket")), "p99"),),
        base="blue",
    ),
    stat(
        id=15,
        title="Leader",
        description=(
            "Whether one of the replicas holds the lease; only that one writes. With none, no pod gets a name: kubectl get lease -A shows the "
            "last holder, and the runbook of StewardNoLeader says why there may be none."
        ),
        unit="none",
        queries=(Query(f"max(steward_leader{{{COMMON}}})", "Leader"),),
        texts={0: ("none", "red"), 1: ("elected", "green")},
        alerts=("StewardNoLeader",),
    ),
)

WORK = (
    graph(
        id=2,
        title="Operations by kind and status",
        description=(
            "Names written, per second; one operation covers the Service of a pod and its EndpointSlices. Steady state is zero. Errors say that "
            "the API server refused: read the operator's log, and the runbook of HighServiceCreationErrorRate."
        ),
        unit="ops",
        queries=(Query(operations(by="operation, status"), "{{operation}} {{status}}"),),
        colors={"error$": "red", "^create success": "green", "^update success": "blue", "^delete success": "purple"},
        stacked=True,
        legend="right",
        alerts=("HeadlessServiceChurn", "HeadlessServiceCreationSpike"),
    ),
    graph(
        id=16,
        title="Failed operations per second",
        description=(
            "Operations that the API server refused or that got no answer. Above the line, HighServiceCreationErrorRate fires for creations "
            "whatever their share is. Its runbook goes from the API server's answer to the cause."
        ),
        unit="ops",
        queries=(Query(operations(FAILED, "operation"), "{{operation}}"),),
        steps=(Step(threshold(ALERT, "perSecond")),),
        legend="right",
        alerts=("HighServiceCreationErrorRate", "HeadlessServiceRepeatedFailures"),
    ),
    graph(
        id=5,
        title="Share of failed operations",
        description=(
            "Failed operations of all, by kind. Above the lines, HeadlessOperationsFailing and its critical twin are near: pods have no name. Their "
            "runbooks go from the API server's answer to the cause."
        ),
        unit="percentunit",
        queries=(Query(share(operations(FAILED, "operation"), operations(by="operation")), "{{operation}}"),),
        maximum=1,
        legend="right",
        alerts=("HeadlessOperationsFailing", "HeadlessOperationsFailingCritical"),
        steps=(Step(threshold("HeadlessOperationsFailing", "ratio"), "orange"), Step(threshold("HeadlessOperationsFailingCritical", "ratio"))),
    ),
    graph(
        id=4,
        title="Reconcile duration",
        description=(
            "How long it takes to bring the Service and the EndpointSlices of a pod up to date. It is mostly the API server's time: if it grows, "
            "look at the latency of the API server before the operator's CPU."
        ),
        unit="s",
        queries=quantiles(BUCKETS, 0.5, 0.9, 0.99),
        legend="right",
        alerts=("HeadlessReconcileSlow",),
        steps=(Step(threshold("HeadlessReconcileSlow", "seconds")),),
    ),
    Panel(
        id=7,
        kind="bargauge",
        title="Reconciles by duration",
        description=(
            "How many reconciles of the shown time took at most so long and longer than the bar above: where most of them are, and whether there "
            "is a second hump. A hump at the long end means timeouts or conflicts: read the operator's log for retries."
        ),
        unit="short",
        queries=(Query(f"sum by (le) (increase({BUCKETS}[$__range]))", "{{le}} s", instant=True, heatmap=True),),
        base="blue",
        decimals=0,
        minimum=0,
    ),
    graph(
        id=18,
        title="Missing and left-over names",
        description=(
            "Names that should answer and do not, and Services that no pod should have any more. Both fall to zero within seconds of any change. "
            "A line that stays means that writes fail, or that nobody leads."
        ),
        unit="short",
        queries=(
            Query(f"sum(max by (cluster) ({series('missing_services')}))", "missing"),
            Query(f"sum(max by (cluster) ({series('orphaned_services')}))", "left over"),
        ),
        colors={"^missing$": "orange", "^left over$": "purple"},
        alerts=("HeadlessServicesMissing", "HeadlessServicesOrphaned"),
    ),
)

NAMES = (
    graph(
        id=17,
        title="Delay of names",
        description=(
            "How long pods waited for their name, from the moment their address was seen until the name answered with it. It grows with failing "
            "or slow writes, with a long queue (dashboard Runtime), and while nobody leads."
        ),
        unit="s",
        queries=quantiles(series("name_delay_seconds_bucket"), 0.5, 0.9, 0.99),
        legend="right",
    ),
    Panel(
        id=19,
        kind="bargauge",
        title="Names by delay",
        description=(
            "How many names of the shown time came after at most so long and later than the bar above. Nearly all are in the first bars; what is "
            "far below them waited for a refused write, or for a leader."
        ),
        unit="short",
        queries=(Query(f"sum by (le) (increase({series('name_delay_seconds_bucket')}[$__range]))", "{{le}} s", instant=True, heatmap=True),),
        base="blue",
        decimals=0,
        minimum=0,
    ),
    graph(
        id=1,
        title="Services managed",
        description=(
            "Headless Services that Steward holds, by the namespace of their pods. It follows the number of annotated pods. If it falls without "
            "a deployment behind it, look for removed annotations and for failing operations."
        ),
        unit="short",
        queries=(Query(state("services", "namespace", extra=IN_NAMESPACE), "{{namespace}}"),),
        stacked=True,
        legend="right",
    ),
    Panel(
        id=6,
        kind="bargauge",
        title="Skipped pods by reason",
        description=(
            "Annotated pods that have no Service now. Waiting for an address and having ended are normal and pass. A name that is too long, not "
            "valid or taken does not: the Events of the pod say what to change."
        ),
        unit="short",
        queries=(Query(state("skipped_pods", "reason"), "{{reason}}", instant=True),),
        base="blue",
        minimum=0,
        alerts=("HeadlessPodsUnservable",),
    ),
    graph(
        id=3,
        title="Pod events",
        description=(
            "Changes of pods that the watches of all replicas delivered, per second. If it is flat while pods come and go, the watch is dead: "
            "read the operator's log, and look whether the API server answers."
        ),
        unit="ops",
        queries=(Query(rate(series("pod_events_total"), "event_type"), "{{event_type}}"),),
        stacked=True,
        legend="right",
    ),
    graph(
        id=8,
        title="Kubernetes Events and orphans",
        description=(
            "Events on pods by their reason, and children deleted because their pod was gone or out of scope, per second. Many Events of one "
            "Warning reason mean that one team's template is wrong; many orphans after a start mean that pods went while nobody led."
        ),
        unit="ops",
        queries=(
            Query(f"{rate(f'steward_events_recorded_total{{{COMMON}}}', 'reason')} > 0", "{{reason}}"),
            Query(rate(series("orphans_deleted_total")), "orphans deleted"),
        ),
        legend="list",
    ),
)

DASHBOARD = dashboard(
    name="headless",
    title="Steward / Headless services",
    description="DNS names for annotated pods: how many there are, whether they are written, how fast, and who has none.",
    alerts='component="headless"',
    variables=(
        variable("cluster", 'label_values(steward_build_info{component="headless"}, cluster)', label="Cluster", all_value=".*"),
        variable("namespace", f'label_values({PREFIX}_services{{cluster=~"$cluster"}}, namespace)', label="Namespace of the pods"),
        variable("job", 'label_values(steward_build_info{component="headless", cluster=~"$cluster"}, job)', label="Job"),
    ),
    rows=(
        Row(100, "Is it healthy?", HEALTH),
        Row(101, "Work", WORK),
        Row(102, "Names and pods", NAMES),
        Row(103, "Objectives", objectives("headless", BUDGET_ALERTS)),
    ),
)
