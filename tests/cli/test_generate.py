"""``steward observability`` and ``steward deploy``: the real helm renders, the real API server and kubeconform judge."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from steward import __version__
from support import helm
from support.kubeconform import Kubeconform

CHART = ("--chart", str(helm.CHART))
EVERYTHING = ("--set", "podDisruptionBudget.enabled=true")


def kinds(text):
    return Counter(one["kind"] for one in yaml.safe_load_all(text))


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("observability", "generate-all"), {"Service", "ServiceMonitor", "PrometheusRule", "ConfigMap"}),
        (("observability", "generate-service-monitors"), {"ServiceMonitor"}),
        (("observability", "generate-dashboard"), {"ConfigMap"}),
        (("deploy", "generate-rbac"), {"ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}),
        (("deploy", "generate-deployments"), {"Deployment", "ConfigMap", "PodDisruptionBudget"}),
    ],
    ids=" ".join,
)
def test_what_is_asked_for_is_printed_and_nothing_else(desk, command, expected):
    done = desk.steward(*command, *CHART, *EVERYTHING)

    assert (0, "") == (done.code, done.err)
    assert expected == set(kinds(done.out))


def test_dashboards_and_configuration_are_told_apart(desk):
    dashboards = desk.steward("observability", "generate-dashboard", *CHART).out
    deployed = desk.steward("deploy", "generate-deployments", *CHART).out

    assert all(key.endswith(".json") for one in yaml.safe_load_all(dashboards) for key in one["data"])
    assert kinds(deployed)["ConfigMap"] == kinds(deployed)["Deployment"], "each reads its configuration"


def test_everything_is_what_helm_renders_without_its_tests(desk):
    done = desk.steward("deploy", "generate-all", *CHART, "--namespace", "elsewhere", "--release", "other")

    rendered = yaml.safe_load_all(helm.run("template", "other", str(helm.CHART), "--namespace", "elsewhere"))
    assert [one for one in rendered if "helm.sh/hook" not in one["metadata"].get("annotations", {})] == list(yaml.safe_load_all(done.out))


def test_the_api_server_takes_a_deployment_from_the_pipe(shop):
    printed = shop.steward("deploy", "generate-all", *CHART).out
    taken = shop.kubectl("apply", "--dry-run=server", "--filename", "-", stdin=printed)

    assert sum(kinds(printed).values()) == len(taken.splitlines())
    assert "deployment.apps/steward-headless created (server dry run)" in taken


def test_observability_is_valid_by_the_schemas_of_its_kinds(desk, tmp_path):
    objects = list(yaml.safe_load_all(desk.steward("observability", "generate-all", *CHART).out))

    assert {"all": []} == Kubeconform(tmp_path, "1.36").problems({"all": objects})


def test_comments_and_literal_blocks_stay_as_helm_wrote_them(desk):
    """PromQL with its ``# $threshold`` is what people look for in a rule."""
    printed = desk.steward("observability", "generate-all", *CHART).out

    assert printed.startswith("---\n# Source: steward/templates/")
    assert "expr: |" in printed


def test_values_and_settings_reach_the_chart(desk, tmp_path):
    values = tmp_path / "values.yaml"
    values.write_text("serviceMonitor:\n  interval: 17s\n")

    done = desk.steward("observability", "generate-service-monitors", *CHART, "-f", str(values), "--set", "serviceMonitor.scrapeTimeout=11s")

    (monitor,) = [one for one in yaml.safe_load_all(done.out) if one["metadata"]["name"] == "steward-headless"]
    assert ("17s", "11s") == tuple(monitor["spec"]["endpoints"][0][key] for key in ("interval", "scrapeTimeout"))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--chart", "/nowhere"), 2, "--chart /nowhere: no chart there. Name a directory with Chart.yaml, a package, or oci://…\n"),
        ((*CHART, "--set", "replicaz=2"), 1, f"helm template {helm.CHART}: values don't meet the specifications of the schema"),
        ((*CHART, "--set", "rbac.create=false,serviceAccount.create=false"), 1, "the chart makes nothing of this kind with these values."),
    ],
    ids=["no chart", "typo", "nothing"],
)
def test_what_cannot_be_rendered_is_one_line(desk, arguments, code, said):
    done = desk.steward("deploy", "generate-rbac", *arguments)

    assert (code, "", 1) == (done.code, done.out, done.err.count("\n"))
    assert done.err.startswith(f"steward: {said}")


def test_without_helm_it_is_said_where_to_get_it(tmp_path):
    program = "from steward.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "deploy", "generate-all"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )

    assert (1, "", "steward: helm: not on PATH. Install it: https://helm.sh/docs/intro/install.\n") == (done.returncode, done.stdout, done.stderr)


def test_without_a_chart_the_release_of_this_version_is_taken(tmp_path):
    """A helm that tells what it was called with: the real one would go to the network."""
    told = tmp_path / "helm"
    told.write_text('#!/bin/sh\necho "Error: $*" >&2\nexit 1\n')
    told.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", "from steward.cli import main; main()", "deploy", "generate-all"],
        env={"PATH": f"{tmp_path}:/bin:{Path(sys.executable).parent}"},
        capture_output=True,
        text=True,
        check=False,
    )

    called = "template steward oci://ghcr.io/steward-dev/charts/steward --namespace steward --no-hooks --skip-tests --include-crds"
    assert [*called.split(), "--version", __version__] == done.stderr.split()[-10:]
