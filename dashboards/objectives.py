"""Panels about the objectives of a component, from the recording rules in alerts/slo/."""

from collections.abc import Sequence

from dashboards.panels import Panel, Query, Step, graph

FAST, SLOW = 14.4, 6.0
"""Burn rates that use 2 % of the budget of 30 days in an hour, and 5 % in six hours (Google SRE workbook, chapter 5)."""


def objectives(component: str, alerts: Sequence[str]) -> tuple[Panel, ...]:
    """How fast the error budgets burn, and what is left of them; ``alerts`` warn of it."""
    ours = f'cluster=~"$cluster", sloth_service="steward-{component}"'
    budget = f'slo:error_budget:ratio{{sloth_service="steward-{component}"}}'
    return (
        graph(
            id=30,
            title="Burn rate of the last hour",
            description=(
                "How many times faster than planned the error budget burns; at 1 it lasts for exactly 30 days. Above the lines the alerts on the "
                "budget fire, if it also burns now: their runbooks go from the objective to what breaks it."
            ),
            unit="none",
            queries=(Query(f"max by (sloth_slo) (slo:sli_error:ratio_rate1h{{{ours}}} / on (sloth_id) group_left () {budget})", "{{sloth_slo}}"),),
            steps=(Step(SLOW, "orange"), Step(FAST)),
            alerts=alerts,
        ),
        graph(
            id=31,
            title="Error budget that is left",
            description=(
                "Part of the error budget of the last 30 days that is not used; below zero the objective was missed. When little is left, put "
                "off what may break it: upgrades, experiments, larger clusters."
            ),
            unit="percentunit",
            queries=(Query(f"min by (sloth_slo) (slo:period_error_budget_remaining:ratio{{{ours}}})", "{{sloth_slo}}"),),
            minimum=None,
            maximum=1,
        ),
    )
