"""``steward observability`` and ``steward deploy``: parts of the chart as manifests, for who applies them without helm."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from steward.cli.manifests import Document
    from steward.cli.rendering import Release

Command = Callable[..., None]

MONITORED = ("serviceMonitor.enabled", "prometheusRule.enabled", "dashboards.enabled")
"""Values that observability needs."""

RBAC = ("ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
WORKLOAD = ("Deployment", "PodDisruptionBudget", "HorizontalPodAutoscaler", "VerticalPodAutoscaler", "ConfigMap")


def release_options(command: Command) -> Command:
    """Decorator: what helm is told, handed over as ``release``."""

    @click.option("--chart", metavar="CHART", help="Directory, package or oci:// of the chart; else the released one of this version.")
    @click.option("--version", default="", metavar="VERSION", help="Version of a chart at oci://; else that of this program.")
    @click.option("--release", "name", default="steward", show_default=True, metavar="NAME", help="Name of the release.")
    @click.option("-n", "--namespace", default="steward", show_default=True, metavar="NAMESPACE", help="Namespace of the release.")
    @click.option("-f", "--values", multiple=True, metavar="FILE", help="Values of the chart. May be repeated.")
    @click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A value of the chart, as with helm. May be repeated.")
    @functools.wraps(command)
    def packed(
        *, chart: str | None, version: str, name: str, namespace: str, values: tuple[str, ...], settings: tuple[str, ...], **rest: Any
    ) -> None:
        from steward.cli.rendering import RELEASED, Release

        command(release=Release(chart or RELEASED, version, name, namespace, values, settings), **rest)

    return packed


@click.group(short_help="Print what Prometheus and Grafana need.")
def observability() -> None:
    """Print what Prometheus and Grafana need, as the chart makes it; needs helm on PATH.

    \b
      steward observability generate-all --namespace steward | kubectl apply -f -
    """  # noqa: D301 - click wants the character itself


@observability.command("generate-all", short_help="Services, ServiceMonitors, rules and dashboards.")
@release_options
def observability_all(release: Release) -> None:
    """Print Services, ServiceMonitors, PrometheusRules and the dashboards' ConfigMaps."""
    _print(release, *MONITORED, picked=lambda one: one.kind[1] in ("Service", "ServiceMonitor", "PrometheusRule") or _is_dashboard(one))


@observability.command("generate-service-monitors", short_help="ServiceMonitors.")
@release_options
def service_monitors(release: Release) -> None:
    """Print the ServiceMonitors, one for each component."""
    _print(release, "serviceMonitor.enabled", picked=lambda one: one.kind[1] == "ServiceMonitor")


@observability.command("generate-dashboard", short_help="Dashboards.")
@release_options
def dashboard(release: Release) -> None:
    """Print the dashboards, as ConfigMaps that Grafana's sidecar imports."""
    _print(release, "dashboards.enabled", picked=_is_dashboard)


@click.group(short_help="Print what runs Steward in a cluster.")
def deploy() -> None:
    """Print what runs Steward in a cluster, as the chart makes it; needs helm on PATH.

    \b
      kubectl create namespace steward
      steward deploy generate-all --namespace steward | kubectl apply -f -
    """  # noqa: D301 - click wants the character itself


@deploy.command("generate-all", short_help="Everything.")
@release_options
def deploy_all(release: Release) -> None:
    """Print everything that the chart makes of the values, but for its tests."""
    _print(release, picked=lambda _: True)


@deploy.command("generate-rbac", short_help="ServiceAccounts and roles.")
@release_options
def rbac(release: Release) -> None:
    """Print ServiceAccounts, roles and their bindings."""
    _print(release, picked=lambda one: one.kind[1] in RBAC)


@deploy.command("generate-deployments", short_help="Deployments and what they read.")
@release_options
def deployments(release: Release) -> None:
    """Print the Deployments, the ConfigMaps that they read, and what scales and protects them."""
    _print(release, picked=lambda one: one.kind[1] in WORKLOAD and not _is_dashboard(one))


def _print(release: Release, *switches: str, picked: Callable[[Document], bool]) -> None:
    from steward.cli.rendering import rendered

    click.echo(rendered(release, *switches, picked=picked))


def _is_dashboard(document: Document) -> bool:
    """Whether it is a dashboard, whatever label the sidecar looks for: nothing else of the chart is JSON in a ConfigMap."""
    of, keys = document.kind[1], document.content.get("data", {})
    return of == "GrafanaDashboard" or (of == "ConfigMap" and bool(keys) and all(key.endswith(".json") for key in keys))
