"""Panels about health scores, of the component ``watch``."""

from dashboards.alerts import threshold
from dashboards.panels import Panel, Query, Step, graph, stat
from dashboards.queries import WHERE, or_zero

IN_NAMESPACE = f'{WHERE}, namespace=~"$namespace"'
"""Selects series whose ``namespace`` is that of the pods or of the policy."""

CRITICAL = threshold("KubeDevopsNamespaceHealthCritical", "score")
CLASSES = (
    Step(threshold("KubeDevopsClusterHealthCritical", "score"), "orange"),
    Step(threshold("KubeDevopsClusterHealthLow", "score"), "yellow"),
    Step(80, "green"),
)
"""Where Degraded, Stable and Healthy begin; steward/governance/scores.py has the same. Below is Critical."""

NAMESPACES = f"max by (cluster, namespace) (kube_devops_namespace_health_score{{{IN_NAMESPACE}}})"
"""All replicas read the same from their caches, so the highest counts."""

POINTS = f"max by (cluster, namespace, type) (kube_devops_namespace_score_points{{{IN_NAMESPACE}}})"

SCORE = stat(
    id=1,
    title="Cluster Health Score",
    description=(
        "100 less the points of all violations, divided by the number of pods; of several clusters the lowest. Green is Healthy, yellow Stable, "
        "orange Degraded, red Critical. The panel What would give most says where to begin."
    ),
    unit="percent",
    queries=(Query(f"min(max by (cluster) (kube_devops_cluster_health_score{{{WHERE}}}))", "Score"),),
    base="red",
    steps=CLASSES,
    alerts=("KubeDevopsClusterHealthLow", "KubeDevopsClusterHealthCritical", "KubeDevopsClusterHealthDropped"),
    maximum=100,
    decimals=0,
)

HEALTH = (
    SCORE,
    stat(
        id=2,
        title="Critical namespaces",
        description=(
            "Namespaces of the class Critical. Their pods restart again and again, or have several faults each; the graph of namespaces below says "
            "which they are."
        ),
        unit="short",
        queries=(Query(or_zero(f"count({NAMESPACES} < {CRITICAL:g})"), "Namespaces"),),
        steps=(Step(1, "orange"),),
        alerts=("KubeDevopsNamespaceHealthCritical",),
    ),
)

WATCH = (
    graph(
        id=10,
        title="Namespace Health Scores",
        description=(
            "The score of each namespace; system namespaces are left out. One that falls within minutes has a deployment that went wrong. kubectl "
            "get pods -n NAMESPACE -o json | steward check - lists every violation of it."
        ),
        unit="percent",
        queries=(Query(f"min by (namespace) ({NAMESPACES})", "{{namespace}}"),),
        base="red",
        steps=CLASSES,
        alerts=("KubeDevopsNamespaceHealthCritical", "KubeDevopsNamespaceHealthDropped"),
        maximum=100,
        legend="right",
    ),
    Panel(
        id=11,
        kind="bargauge",
        title="What would give most",
        description=(
            "The points that each kind of violation costs in each namespace, the dearest first. Points divided by the number of pods are what the "
            "score lacks, so this is the order in which to mend."
        ),
        unit="short",
        queries=(Query(f"topk(12, sum by (namespace, type) ({POINTS}) > 0)", "{{namespace}} {{type}}", instant=True),),
        base="blue",
        decimals=0,
        minimum=0,
    ),
    graph(
        id=12,
        title="Pod Events Rate",
        description=(
            "Changes of pods that the watch delivered to a replica, per second. It is flat only where nothing happens; if pods come and go and it is "
            "flat, the watch is dead: read the log of the component watch."
        ),
        unit="ops",
        queries=(Query(f"sum by (event) (max by (cluster, event) (rate(kube_devops_pod_events_total{{{WHERE}}}[$__rate_interval])))", "{{event}}"),),
        stacked=True,
        legend="right",
        width=18,
    ),
    stat(
        id=13,
        title="Pods Tracked",
        description=(
            "Pods that the score is made of: those of system namespaces and those that have ended are left out. It follows the size of the cluster; "
            "zero means that the caches are not filled."
        ),
        unit="short",
        queries=(Query(f"sum(max by (cluster) (kube_devops_pods_tracked{{{WHERE}}}))", "Pods"),),
        base="blue",
        width=6,
        height=8,
    ),
)
