"""Workloads that remediation leaves alone: what the audit log does not say."""

import yaml

from faults.harness.cluster import NODE
from faults.harness.teams import Team, bare, until
from steward.policy.remediation.controller import PROPOSALS_LIMIT
from steward.policy.remediation.model import WORKLOADS
from support.owners import OWNERS
from support.workloads import container

ASKED = {
    "requireReadinessProbe": True,
    "requireResources": True,
    "defaultProbe": {"periodSeconds": 10},
    "defaultResources": {"memoryRequest": "8Mi"},
}
"""Of policies, so that there is something to add to whatever has containers."""


async def test_what_belongs_to_somebody_else_is_not_written_and_not_even_tried(plane, at_work):
    """Every owner, every kind."""
    team = Team(plane)
    for manager, applies in {(owner.manager, owner.applies) for owner in OWNERS.values()}:
        made = [
            bare(kind, f"{name}-{kind.lower()}", team.name, owner.meta(kind, team.name, f"{name}-{kind.lower()}"))
            for kind in WORKLOADS
            for name, owner in OWNERS.items()
            if (owner.manager, owner.applies) == (manager, applies)
        ]
        how = ("apply", "--server-side") if applies else ("create",)
        plane.kubectl(*how, f"--field-manager={manager or 'kubectl'}", "-f", "-", stdin=yaml.safe_dump_all(made))
    team.ask()

    wanted = {f"{name}-{kind.lower()}" for kind in WORKLOADS for name in OWNERS}
    await until(lambda: wanted == team.told("RemediationProposed"), f"Event about each of {len(wanted)} workloads")
    await until(lambda: PROPOSALS_LIMIT == len(team.status().get("proposals", [])), "patches in the status of the policy")
    assert [] == at_work.written()
    assert all("readinessProbe" in proposal["patch"] for proposal in team.status()["proposals"])


async def test_what_is_excused_is_not_written_and_not_even_tried(plane, at_work):
    """By its annotation, by its namespace, or because its policy only audits; every kind."""
    excused = {"opted_out": Team(plane), "audit": Team(plane), "protected": Team(plane, "vault-1"), "system": Team(plane, "kube-system")}
    for why, team in excused.items():
        annotations = {"policy.steward.dev/remediate": "false"} if why == "opted_out" else {}
        made = [bare(kind, kind.lower(), team.name, {"annotations": annotations}) for kind in WORKLOADS]
        plane.kubectl("create", "-f", "-", stdin=yaml.safe_dump_all(made))
        team.ask(**ASKED, enforcementMode="audit" if why == "audit" else "enforce")

    for why, team in excused.items():
        await until(lambda team=team: {kind.lower() for kind in WORKLOADS} == team.told("RemediationProposed"), f"Event about each of {why}")
    assert [] == at_work.written()


async def test_pods_and_jobs_are_not_written_and_not_even_tried(plane, at_work):
    team = Team(plane)
    pod = {"containers": [container(image="registry.k8s.io/pause:3.10.1")], "nodeName": NODE}
    job = {"template": {"spec": {**pod, "restartPolicy": "Never"}}}
    made = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "alone"}, "spec": pod},
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}, "spec": job},
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": "yearly"},
            "spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": job}},
        },
    ]
    plane.kubectl("create", f"--namespace={team.name}", "-f", "-", stdin=yaml.safe_dump_all(made))
    plane.kubectl("create", "job", "now", "--from=cronjob/yearly", f"--namespace={team.name}")
    await until(lambda: 3 == len(team.get("pods")["items"]), "pod of each")
    team.ask(**ASKED)

    # A probe is asked of the first alone, resources of each.
    await until(lambda: 4 == team.status().get("violations"), "violations of all three")
    assert [] == at_work.written()


async def test_nothing_is_written_and_nothing_tried_unless_remediation_is_enabled(plane, start):
    work = start(enabled=False)
    team = Team(plane)
    team.add()
    team.ask(**ASKED)

    await until(lambda: 4 == team.status().get("violations"), "violations of both pods")
    assert [] == work.written()
    assert not any("Remediation" in reason for reason in team.said())
