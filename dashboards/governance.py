"""Dashboard of the components of governance: health scores, DevOpsPolicies and admission."""

from dashboards import scores
from dashboards.builder import Row, dashboard, variable

COMPONENTS = 'component=~"watch|policy|webhook"'

DASHBOARD = dashboard(
    name="governance",
    title="Steward / Governance",
    description="Health scores of the cluster and its namespaces.",
    alerts=COMPONENTS,
    variables=(
        variable("cluster", f"label_values(steward_build_info{{{COMPONENTS}}}, cluster)", label="Cluster", all_value=".*"),
        variable("namespace", 'label_values(kube_devops_namespace_health_score{cluster=~"$cluster"}, namespace)', label="Namespace of the pods"),
        variable("job", f'label_values(steward_build_info{{{COMPONENTS}, cluster=~"$cluster"}}, job)', label="Job"),
    ),
    rows=(
        Row(100, "Overview", scores.HEALTH),
        Row(101, "Watch", scores.WATCH),
    ),
)
