"""Dashboard of all components together: is anything wrong, and where does one look next."""

from dataclasses import replace

from dashboards import admission, alerts, colors, policies, scores
from dashboards.builder import OF_RELEASE, Row, dashboard
from dashboards.headless import PREFIX as HEADLESS
from dashboards.headless import TO_MEND
from dashboards.panels import Panel, Query, Step, cell, graph, stat
from dashboards.queries import WHERE, WHERE_RELEASE, or_zero, quantile, rate, share

COMPONENT = "cluster, namespace, component"
OUR_ALERTS = f'alertname=~"{"|".join(alerts.names())}"'
FIRING = f'ALERTS{{alertstate="firing", {OUR_ALERTS}, cluster=~"$cluster"}}'
RECONCILES = f"steward_reconcile_total{{{WHERE_RELEASE}}}"
FAILED = f'steward_reconcile_total{{{WHERE_RELEASE}, result="error"}}'
SEEN = f"steward_build_info{{{WHERE_RELEASE}}}"
RUNTIME = "/d/steward-runtime?${datasource:queryparam}&${cluster:queryparam}&var-component=${__data.fields.Component}"


def none(metric: str) -> str:
    """How many components have no replica of which a gauge says 1."""
    return or_zero(f"count(max by ({COMPONENT}) ({metric}{{{WHERE_RELEASE}}}) == 0)")


HEALTH = (
    stat(
        id=1,
        title="Firing alerts",
        description=(
            "Alerts of Steward that fire now, of every severity. The graph of alerts below says which. Each alert's runbook goes from its "
            "meaning to commands and to the mending; silences and routes are Alertmanager's."
        ),
        unit="short",
        queries=(Query(or_zero(f"count({FIRING})"), "Alerts"),),
        steps=(Step(1),),
    ),
    stat(
        id=2,
        title="Components not ready",
        description=(
            "Components of which no replica is ready: caches are not filled, so nothing is reconciled. The table below says which; the replica's "
            "/readyz?verbose says what it waits for."
        ),
        unit="short",
        queries=(Query(none("steward_component_ready"), "Components"),),
        steps=(Step(1),),
        alerts=("StewardNotReady",),
    ),
    stat(
        id=3,
        title="Components without a leader",
        description=(
            "Components whose replicas are up, but none of them holds the lease. Only its holder writes. It is normal for some seconds while a "
            "leader is replaced; kubectl get lease -A shows the last holder."
        ),
        unit="short",
        queries=(Query(none("steward_leader"), "Components"),),
        steps=(Step(1),),
        alerts=("StewardNoLeader",),
    ),
    stat(
        id=4,
        title="Components that vanished",
        description=(
            "Components that reported within the last day and no longer do: uninstalled, scaled to zero, or not scraped any more. kubectl get "
            "pods tells which; if they run, look at the targets of Prometheus."
        ),
        unit="short",
        queries=(Query(or_zero(f"count(group by ({COMPONENT}) (max_over_time({SEEN}[1d])) unless group by ({COMPONENT}) ({SEEN}))"), "Components"),),
        steps=(Step(1),),
        alerts=(
            "StewardComponentAbsent",
            "StewardTargetDown",
            "OperatorDown",
            "KubeDevopsWatchDown",
            "DevOpsPolicyDown",
            "KubeDevopsWebhookDown",
        ),
    ),
    stat(
        id=5,
        title="Failed reconciles",
        description=(
            "Share of reconciles that ended with an error, of all components. Single ones are retried and pass. If it stays, the graph of "
            "failures below says whose they are, and that component's log has the errors."
        ),
        unit="percentunit",
        queries=(Query(share(rate(FAILED), rate(RECONCILES)), "Share"),),
        decimals=1,
        alerts=("StewardReconcileErrors",),
        steps=(Step(alerts.threshold("StewardReconcileErrors", "ratio")),),
    ),
    stat(
        id=6,
        title="Waiting keys",
        description=(
            "Objects that wait to be reconciled, over all queues. It rises with a burst of changes and falls within seconds. If it stays, "
            "reconciles are slow or fail: go to the dashboard Runtime, row Queues."
        ),
        unit="short",
        queries=(Query(f"sum(steward_workqueue_depth{{{WHERE_RELEASE}}})", "Keys"),),
        alerts=("StewardWorkqueueBacklog",),
        steps=(Step(alerts.threshold("StewardWorkqueueBacklog", "depth")),),
    ),
)

LEADS = {0: ("none", "red"), 1: ("elected", "green")}

COMPONENTS = Panel(
    id=7,
    kind="table",
    title="Components",
    description=(
        "Every component by namespace and version: its replicas, how many are ready, whether one leads, how long ago it heard of the API server, "
        "and what share of its reconciles fails. Red is what does not work; two versions are a rollout. A click on a name opens its runtime."
    ),
    unit="none",
    queries=(
        Query(f"count by ({COMPONENT}, version) ({SEEN})", "Replicas", instant=True),
        Query(f"sum by ({COMPONENT}) (steward_component_ready{{{WHERE_RELEASE}}})", "Ready", instant=True),
        Query(f"max by ({COMPONENT}) (steward_leader{{{WHERE_RELEASE}}})", "Leader", instant=True),
        Query(f"max by ({COMPONENT}) (time() - steward_informer_last_event_timestamp_seconds{{{WHERE_RELEASE}}})", "Age of caches", instant=True),
        Query(share(rate(FAILED, COMPONENT), rate(RECONCILES, COMPONENT)), "Failed reconciles", instant=True),
    ),
    columns={"component": "Component", "cluster": "Cluster", "namespace": "Namespace", "version": "Version"},
    cells={
        "Component": cell(link=RUNTIME),
        "Ready": cell(steps=(Step(1, "green"),)),
        "Leader": cell(texts=LEADS),
        "Age of caches": cell(unit="s"),
        "Failed reconciles": cell(unit="percentunit"),
    },
    width=24,
    height=7,
)

WORK = (
    graph(
        id=8,
        title="Reconciles by component",
        description=(
            "Reconciles per second and how they ended. Steady state is near zero. Errors that stay are somebody's to mend: that component's log "
            "has them, each with the object and the API server's answer."
        ),
        unit="ops",
        queries=(Query(rate(RECONCILES, "component, result"), "{{component}} {{result}}"),),
        colors=colors.RESULTS,
        stacked=True,
    ),
    graph(
        id=9,
        title="Share of failed reconciles",
        description=(
            "Failed reconciles of all, by component. A short peak is retried and passes. If it stays, read that component's log, and look at the "
            "API server's answers on the dashboard Runtime: 403 is a missing right, 409 somebody else's writes, 5xx the server's own trouble."
        ),
        unit="percentunit",
        queries=(Query(share(rate(FAILED, "component"), rate(RECONCILES, "component")), "{{component}}"),),
        maximum=1,
        alerts=("StewardReconcileErrors",),
        steps=(Step(alerts.threshold("StewardReconcileErrors", "ratio")),),
    ),
    graph(
        id=10,
        title="Reconcile duration, 99th percentile",
        description=(
            "Time of the slowest reconciles by component, their writes included. It is mostly the API server's time: compare it with the "
            "duration of API requests on the dashboard Runtime. If those are fast, the process lacks CPU."
        ),
        unit="s",
        queries=(Query(quantile(0.99, f"steward_reconcile_duration_seconds_bucket{{{WHERE_RELEASE}}}", "component"), "{{component}}"),),
    ),
    graph(
        id=11,
        title="Requests to the API server by answer",
        description=(
            "What all components ask of the API server, per second, by the code of its answers; <error> is no answer at all. Many 429 mean that "
            "the server asks for patience, 403 a missing right: see the runtime of the component."
        ),
        unit="reqps",
        queries=(Query(rate(f"steward_kube_api_requests_total{{{WHERE_RELEASE}}}", "code"), "{{code}}"),),
        colors=colors.ANSWERS,
        stacked=True,
        legend="right",
    ),
    graph(
        id=12,
        title="Alerts",
        description=(
            "Alerts of Steward over time: pending ones wait for the end of their patience, firing ones were sent to Alertmanager. The name of "
            "each is that of its runbook in docs/runbooks."
        ),
        unit="short",
        queries=(
            Query(f'sum by (alertname, alertstate) (ALERTS{{{OUR_ALERTS}, cluster=~"$cluster"}})', "{{alertname}} {{alertstate}}"),
            Query('label_replace(vector(0), "none", "no alert", "", "")', "{{none}}"),
        ),
        colors={"firing$": "red", "pending$": "orange", "^no alert$": "green"},
        stepped=True,
        legend="list",
    ),
    graph(
        id=13,
        title="Kubernetes Events",
        description=(
            "Events that components recorded on the objects they work for, per second, by reason. Warnings say what the owner of an object has "
            "to change: kubectl get events -A --field-selector type=Warning shows them."
        ),
        unit="ops",
        queries=(Query(f"{rate(f'steward_events_recorded_total{{{WHERE_RELEASE}}}', 'reason')} > 0", "{{reason}}"),),
        legend="list",
    ),
)

HEADLESS_SERVICES = (
    stat(
        id=14,
        title="Services",
        description=(
            "Pods that have a DNS name of their own. It follows the number of annotated pods. If it falls and nobody scaled down, go to the "
            "dashboard Headless services."
        ),
        unit="short",
        queries=(Query(f"sum(max by (cluster, namespace) ({HEADLESS}_services{{{WHERE}}}))", "Services"),),
        links=(("Headless services", "/d/steward-headless"),),
        base="blue",
        width=8,
    ),
    stat(
        id=15,
        title="Pods to mend",
        description=(
            "Annotated pods that get no name until somebody changes them. The Events of the pod say what to change; the dashboard Headless "
            "services has them by reason."
        ),
        unit="short",
        queries=(Query(f'sum(max by (cluster, reason) ({HEADLESS}_skipped_pods{{{WHERE}, reason=~"{TO_MEND}"}}))', "Pods"),),
        links=(("Headless services", "/d/steward-headless"),),
        steps=(Step(1, "orange"),),
        width=8,
    ),
    stat(
        id=16,
        title="Failed creations, share",
        description=(
            "Failed creations of Services of all. Red is where HighServiceCreationErrorRate begins to count: pods have no name. Its runbook goes "
            "from the API server's answer to the cause."
        ),
        unit="percentunit",
        queries=(
            Query(
                share(
                    rate(f'{HEADLESS}_operations_total{{{WHERE}, operation="create", status="error"}}'),
                    rate(f'{HEADLESS}_operations_total{{{WHERE}, operation="create"}}'),
                ),
                "Share",
            ),
        ),
        steps=(Step(alerts.threshold("HighServiceCreationErrorRate", "ratio")),),
        alerts=("HighServiceCreationErrorRate",),
        decimals=1,
        width=8,
    ),
)

GOVERNANCE = tuple(
    replace(panel, id=number, width=8, links=(("Governance", "/d/steward-governance"),))
    for number, panel in enumerate((scores.SCORE, policies.FAILED, admission.DENIED), start=17)
)
"""Those that ask by what is chosen here; the namespace of this dashboard is not that of pods."""

DASHBOARD = dashboard(
    name="overview",
    title="Steward / Overview",
    description="All components of Steward: which run, whether they are ready and led, whether their work succeeds, and what fires.",
    alerts=OUR_ALERTS,
    variables=OF_RELEASE,
    rows=(
        Row(100, "Is it healthy?", HEALTH),
        Row(101, "Components", (COMPONENTS,)),
        Row(102, "Work", WORK),
        Row(103, "Headless services", HEADLESS_SERVICES),
        Row(104, "Governance", GOVERNANCE),
    ),
)
