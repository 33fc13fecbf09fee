"""Dashboard of the components ``watch``, ``policy`` and ``webhook``: health scores, DevOpsPolicies and admission."""

from dashboards import admission, policies, scores
from dashboards.builder import Row, dashboard, variable
from dashboards.objectives import objectives

COMPONENTS = 'component=~"watch|policy|webhook"'
BUDGET_ALERTS = [f"KubeDevopsWebhookAvailabilityBudgetBurn{speed}" for speed in ("Fast", "Slow")]

DASHBOARD = dashboard(
    name="governance",
    title="Steward / Governance",
    description="Health scores of the cluster and its namespaces, what DevOpsPolicies find and mend, and what admission denies.",
    alerts=COMPONENTS,
    variables=(
        variable("cluster", f"label_values(steward_build_info{{{COMPONENTS}}}, cluster)", label="Cluster", all_value=".*"),
        variable("namespace", 'label_values(kube_devops_namespace_health_score{cluster=~"$cluster"}, namespace)', label="Namespace of the pods"),
        variable("job", f'label_values(steward_build_info{{{COMPONENTS}, cluster=~"$cluster"}}, job)', label="Job"),
    ),
    rows=(
        Row(100, "Overview", (*scores.HEALTH, *policies.HEALTH, *admission.HEALTH, policies.CYCLES, admission.REQUESTS)),
        Row(101, "Watch", scores.WATCH),
        Row(102, "Reconcile", policies.RECONCILE, collapsed=True),
        Row(103, "Webhook", admission.WEBHOOK),
        Row(104, "Severity & Audit", policies.AUDIT),
        Row(105, "Webhook: certificates, and what the API server sees", admission.SERVER, collapsed=True),
        Row(106, "Objectives", objectives("webhook", BUDGET_ALERTS), collapsed=True),
    ),
)
