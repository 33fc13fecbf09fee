"""``steward webhook install-config``: the ValidatingWebhookConfiguration of the chart, with a given caBundle, applied."""

from __future__ import annotations

import base64
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from steward.cli.cluster import Cluster, ask, cluster_options
from steward.cli.generate import release_options
from steward.runtime import errors

if TYPE_CHECKING:
    from steward.cli.rendering import Release
    from steward.runtime.client import Client

KIND = "ValidatingWebhookConfiguration"
Done = Literal["created", "updated", "unchanged"]


@click.command("install-config", short_help="Install the ValidatingWebhookConfiguration.")
@cluster_options
@click.option("--ca-bundle-path", required=True, metavar="FILE", help="PEM certificates of whom the API server shall trust.")
@click.option("--dry-run", is_flag=True, help="Let the API server check it, and change nothing.")
@click.option("--force", is_flag=True, help="Also one that a Helm release manages.")
@release_options
def install_config(*, release: Release, cluster: Cluster, ca_bundle_path: str, dry_run: bool, force: bool) -> None:
    """Install the ValidatingWebhookConfiguration as the chart makes it, with the certificates of FILE as caBundle; needs helm on PATH.

    \b
      steward webhook install-config --ca-bundle-path certs/ca.crt --namespace steward --set components.webhook.admission.failurePolicy=Fail

    Until then no pod is reviewed; with failurePolicy=Fail no pod is created from then on unless the webhook answers.
    """  # noqa: D301 - click wants the character itself
    wanted = _wanted(release, _bundle(ca_bundle_path))
    done = ask(cluster, functools.partial(_install, wanted=wanted, dry_run=dry_run, force=force))
    click.echo(f"{wanted['metadata']['name']} {done}{' (dry run)' if dry_run else ''}")


def _bundle(path: str) -> str:
    from steward.http import pki

    try:
        text = Path(path).read_text(encoding="utf-8")
        found = pki.read_certificates(text)
    except (OSError, UnicodeDecodeError) as error:
        raise errors.ConfigError(f"--ca-bundle-path {path}: cannot be read: {getattr(error, 'strerror', None) or 'no text'}.") from error
    except pki.Unusable as error:
        raise errors.ConfigError(f"--ca-bundle-path {path}: {error}. Name a PEM file such as ca.crt of `steward webhook cert-generate`.") from error
    if not found:
        raise errors.ConfigError(f"--ca-bundle-path {path}: empty, so the API server would trust no webhook. Name a PEM file with a certificate.")
    return pki.pem(found)


def _wanted(release: Release, bundle: str) -> dict[str, Any]:
    import yaml

    from steward.cli.rendering import rendered

    found = yaml.safe_load(rendered(release, "components.webhook.enabled", picked=lambda one: one.kind[1] == KIND))
    for entry in found["webhooks"]:
        entry["clientConfig"]["caBundle"] = base64.b64encode(bundle.encode()).decode()
    return dict(found)


async def _install(client: Client, *, wanted: dict[str, Any], dry_run: bool, force: bool) -> Done:
    """Server-side apply (KEP-555): what a former one of ours had goes, what others added stays."""
    import msgspec

    from steward.cli.webhook.configuration import CONFIGURATIONS, Configuration
    from steward.runtime.resource import Key

    desired = msgspec.convert({"metadata": wanted["metadata"], "webhooks": wanted["webhooks"]}, Configuration)
    key = Key("", desired.metadata.name)
    try:
        found = await client.get(CONFIGURATIONS, key)
    except errors.NotFound:
        found = None
    release = found.metadata.annotations.get("meta.helm.sh/release-name") if found is not None else None
    if release and not force:
        raise errors.StewardError(f"{key.name}: belongs to the Helm release {release}; left alone. Set its values instead, or say --force.")
    uid = found.metadata.uid if found is not None else ""
    made = await client.apply(CONFIGURATIONS, desired, uid=uid, force=True, dry_run=dry_run)
    if found is None:
        return "created"
    return "unchanged" if found.webhooks == made.webhooks and found.metadata.labels == made.metadata.labels else "updated"
