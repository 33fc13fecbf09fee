"""Dashboard of what all components have in common: queues, caches, leases, requests and processes."""

from dashboards import colors
from dashboards.alerts import names, threshold
from dashboards.builder import OF_RELEASE, Row, dashboard, variable
from dashboards.panels import Query, Step, graph, stat
from dashboards.process import PROCESS
from dashboards.queries import common, or_zero, quantile, rate, share
from dashboards.queues import QUEUES

REQUESTS = common("kube_api_requests_total")
REFUSED = common("kube_api_requests_total", ', code=~"<error>|429|5.."')
AGE = f"max by (component, resource) (time() - {common('informer_last_event_timestamp_seconds')})"

HEALTH = (
    stat(
        id=1,
        title="Leaders",
        description=(
            "Components that have a leader now. Only a leader writes. Fewer than components run means that one has none: the row Leases says "
            "since when, kubectl get lease -A who was the last."
        ),
        unit="short",
        queries=(Query(f"sum(max by (cluster, namespace, component) ({common('leader')}))", "Leaders"),),
        steps=(Step(1, "green"),),
        base="red",
        alerts=("StewardNoLeader",),
    ),
    stat(
        id=2,
        title="Replicas not ready",
        description=(
            "Replicas whose caches are not filled. One is normal for seconds after its start. If it stays, /readyz?verbose of that replica says "
            "what it waits for: often a missing right, or an API that the cluster does not have."
        ),
        unit="short",
        queries=(Query(or_zero(f"count({common('component_ready')} == 0)"), "Replicas"),),
        steps=(Step(1, "orange"),),
        alerts=("StewardNotReady",),
    ),
    stat(
        id=3,
        title="Oldest cache",
        description=(
            "Time since the cache that waits longest heard of the API server. Bookmarks come every minute, so much more means a watch that is "
            "dead while it looks alive: the component acts on an old state. Restart the replica if it does not mend itself."
        ),
        unit="s",
        queries=(Query(f"max({AGE})", "Age"),),
        alerts=("StewardWatchStalled",),
        steps=(Step(threshold("StewardWatchStalled", "seconds")),),
    ),
    stat(
        id=4,
        title="Longest-running reconcile",
        description=(
            "How long the oldest of the reconciles at work has been at work. It is near zero; a request to the API server may take a minute at "
            "most. More means something hangs: the log at level debug says in which request."
        ),
        unit="s",
        queries=(Query(f"max({common('workqueue_longest_running_processor_seconds')})", "Time"),),
        alerts=("StewardReconcileStuck",),
        steps=(Step(threshold("StewardReconcileStuck", "seconds")),),
    ),
    stat(
        id=5,
        title="Waiting keys",
        description=(
            "Objects that wait to be reconciled, over all queues. It rises with a burst of changes and falls within seconds. If it stays, look "
            "whether reconciles are slow (row Queues) or fail and come back (retries)."
        ),
        unit="short",
        queries=(Query(f"sum({common('workqueue_depth')})", "Keys"),),
        alerts=("StewardWorkqueueBacklog",),
        steps=(Step(threshold("StewardWorkqueueBacklog", "depth")),),
    ),
    stat(
        id=6,
        title="Requests without success",
        description=(
            "Share of requests to the API server that got no answer, a server's error or the demand for patience (429). Conflicts and refusals "
            "by policy are not counted. If it stays, the API server is in trouble, or the network to it."
        ),
        unit="percentunit",
        queries=(Query(share(f"({or_zero(rate(REFUSED))})", rate(REQUESTS)), "Share"),),
        decimals=1,
        alerts=("StewardKubeAPIErrors",),
        steps=(Step(threshold("StewardKubeAPIErrors", "ratio")),),
    ),
)

CACHES = (
    graph(
        id=20,
        title="Objects in the cache",
        description=(
            "Objects that a replica holds, by resource; the largest of all replicas. It follows the cluster. A sudden fall without deletions is "
            "a cache that was filled anew; memory follows this number."
        ),
        unit="short",
        queries=(Query(f"max by (component, resource) ({common('informer_objects')})", "{{component}} {{resource}}"),),
        legend="list",
    ),
    graph(
        id=21,
        title="Age of the cache",
        description=(
            "Time since the last list, event or bookmark of a resource, of the replica that waits longest. Teeth of a minute are bookmarks and "
            "normal. A line that rises further is a dead watch: the component acts on an old state."
        ),
        unit="s",
        queries=(Query(AGE, "{{component}} {{resource}}"),),
        legend="list",
        alerts=("StewardWatchStalled", "KubeDevopsWebhookCacheOld"),
    ),
    graph(
        id=22,
        title="Whole lists since the start",
        description=(
            "Whole lists that a replica has read since its start, by what made them necessary; the most of all replicas. One at the start is "
            "normal. More that come mean that watches expire or break: a slow network, an overloaded API server, or one that forgets versions "
            "fast."
        ),
        unit="short",
        queries=(Query(f"max by (resource, reason) ({common('informer_relists_total')})", "{{resource}} {{reason}}"),),
        stepped=True,
        legend="list",
        width=8,
    ),
    graph(
        id=24,
        title="Unreadable objects",
        description=(
            "Objects at the API server that cannot be decoded: a newer API, or a broken aggregated server. They and all that was made for them "
            "are left as they are. It is zero; a line at level error in the log names each object."
        ),
        unit="short",
        queries=(Query(f"max by (component, resource) ({common('informer_unreadable_objects')})", "{{component}} {{resource}}"),),
        stepped=True,
        legend="list",
        width=8,
        alerts=("StewardObjectsUnreadable",),
        steps=(Step(1),),
    ),
    graph(
        id=23,
        title="Synced caches",
        description=(
            "Share of replicas whose first whole list of a resource is there. It is below one for seconds after a start. If it stays, that "
            "resource cannot be listed: the log says why. A custom resource whose API the cluster does not have counts as synced, and as missing: "
            "install its CustomResourceDefinition if you want it."
        ),
        unit="percentunit",
        queries=(
            Query(f"avg by (component, resource) ({common('informer_synced')})", "{{component}} {{resource}}"),
            Query(f"1 - avg by (component) ({common('informer_api_served')})", "{{component}} missing APIs"),
        ),
        maximum=1,
        stepped=True,
        legend="list",
        width=8,
    ),
)

LEASES = (
    graph(
        id=30,
        title="Leader",
        description=(
            "Which replica leads. One line is at 1 for each component. A gap is a time in which nothing was written, two at once must not be; "
            "changes without a rollout mean that renewals come too late: look at the API server's latency and the process's CPU."
        ),
        unit="short",
        queries=(Query(f"max by (component, pod) ({common('leader')})", "{{component}} {{pod}}"),),
        maximum=1,
        decimals=0,
        stepped=True,
    ),
    graph(
        id=31,
        title="Ready replicas",
        description=(
            "Replicas that could take over at once, by component. Fewer than the Deployment has means that some cannot fill their caches, or do "
            "not run: kubectl get pods, then /readyz?verbose."
        ),
        unit="short",
        queries=(Query(f"sum by (component) ({common('component_ready')})", "{{component}}"),),
        decimals=0,
        stepped=True,
    ),
)

API = (
    graph(
        id=40,
        title="Requests by verb and resource",
        description=(
            "Requests to the API server, per second. A quiet component only renews its lease and keeps watches open. Writes without changes in "
            "the cluster mean that something else changes what the component writes."
        ),
        unit="reqps",
        queries=(Query(rate(REQUESTS, "verb, resource"), "{{verb}} {{resource}}"),),
        stacked=True,
        legend="list",
    ),
    graph(
        id=41,
        title="Requests by answer",
        description=(
            "The API server's answers, per second, by code; <error> is no answer at all. 403 is a missing right, 409 somebody else's write, 422 "
            "a refusal by policy, 429 the demand for patience, 5xx the server's own trouble."
        ),
        unit="reqps",
        queries=(Query(rate(REQUESTS, "code"), "{{code}}"),),
        colors=colors.ANSWERS,
        stacked=True,
        legend="right",
        alerts=("StewardKubeAPIErrors",),
    ),
    graph(
        id=42,
        title="Duration of requests, 99th percentile",
        description=(
            "Time until the whole answer was there; of a watch, until it began. Lists of many objects take seconds, all else milliseconds. If "
            "all grow together, it is the API server or the network; if only one, look at what admission webhooks do to it."
        ),
        unit="s",
        queries=(Query(quantile(0.99, common("kube_api_request_duration_seconds_bucket"), "verb, resource"), "{{verb}} {{resource}}"),),
        legend="list",
    ),
    graph(
        id=43,
        title="Kubernetes Events recorded",
        description=(
            "Events that components recorded, per second, by reason, repetitions included. Warnings are for the owners of the objects: kubectl "
            "get events -A --field-selector type=Warning shows them with what to change."
        ),
        unit="ops",
        queries=(Query(f"{rate(common('events_recorded_total'), 'component, reason')} > 0", "{{component}} {{reason}}"),),
        legend="list",
    ),
)

DASHBOARD = dashboard(
    name="runtime",
    title="Steward / Runtime",
    description="What all components have in common: work queues, caches, leases, requests to the API server, and the processes themselves.",
    alerts=f'alertname=~"{"|".join(name for name in names() if name.startswith("Steward"))}"',
    variables=(
        *OF_RELEASE,
        variable("component", 'label_values(steward_build_info{cluster=~"$cluster", namespace=~"$namespace"}, component)', label="Component"),
    ),
    rows=(
        Row(100, "Is it healthy?", HEALTH),
        Row(101, "Queues and reconciles", QUEUES),
        Row(102, "Caches", CACHES),
        Row(103, "Leases", LEASES),
        Row(104, "Requests to the API server", API),
        Row(105, "Processes", PROCESS, collapsed=True),
    ),
)
