"""``steward webhook cert-generate``: a certificate for the webhook and the authority that signed it, as files."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import click

from steward.runtime.errors import ConfigError, StewardError

FILES = {"ca.crt": 0o644, "tls.crt": 0o644, "tls.key": 0o600}
"""What is written, and who may read it."""

_SERVICE = re.compile("[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
"""RFC 1035 label, as the API server wants the name of a Service."""


@click.command("cert-generate", short_help="Make a certificate for the webhook.")
@click.option("--service-name", required=True, metavar="NAME", help="Service that the API server calls.")
@click.option("-n", "--namespace", required=True, metavar="NAMESPACE", help="Its namespace.")
@click.option("--output-dir", default=".", show_default=True, metavar="DIRECTORY", help="Where the files go; made if it is not there.")
@click.option("--ip-san", "addresses", multiple=True, metavar="ADDRESS", help="An address the webhook is called by, too. May be repeated.")
@click.option("--cluster-domain", default="cluster.local", show_default=True, metavar="DOMAIN", help="Domain of the cluster's Services.")
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="How long it is valid.")
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
def cert_generate(
    *, service_name: str, namespace: str, output_dir: str, addresses: tuple[str, ...], cluster_domain: str, days: int, force: bool
) -> None:
    """Write tls.crt and tls.key for the webhook's Service, and ca.crt, the authority to trust.

    The authority's own key is thrown away: to renew, make all three anew. In a cluster the webhook does all that by itself, so this is for values
    tls.mode=existingSecret and for trying it out.

    \b
      steward webhook cert-generate --service-name steward-webhook --namespace steward --output-dir certs
      kubectl --namespace steward create secret tls webhook-cert --cert certs/tls.crt --key certs/tls.key
      helm upgrade steward … --set components.webhook.tls.mode=existingSecret \\
        --set components.webhook.tls.existingSecret=webhook-cert --set-file components.webhook.tls.caBundle=certs/ca.crt
    """  # noqa: D301 - click wants the character itself
    from steward.runtime.resource import check_namespace

    if _SERVICE.fullmatch(service_name) is None:
        raise ConfigError(f'--service-name: "{service_name}" is not the name of a Service. Write one such as steward-webhook.')
    check_namespace("--namespace", namespace)
    names = [f"{service_name}.{namespace}.svc", f"{service_name}.{namespace}", service_name, f"{service_name}.{namespace}.svc.{cluster_domain}"]
    made = _made([*names, *(_address(one) for one in addresses)], days)
    directory = Path(output_dir)
    _write(directory, made, force=force)
    for name in FILES:
        click.echo(directory / name)


def _made(hosts: list[str], days: int) -> dict[str, str]:
    import datetime as dt

    from steward.http import pki

    now = dt.datetime.now(dt.UTC)
    validity = pki.Validity(now - dt.timedelta(hours=1), now + dt.timedelta(days=days))
    authority = pki.authority(hosts[1], validity)
    leaf = pki.server(hosts, validity, issuer=authority)
    return {"ca.crt": pki.pem([authority.certificate]), "tls.crt": pki.pem([leaf.certificate]), "tls.key": leaf.key_pem().reveal()}


def _address(text: str) -> str:
    import ipaddress

    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise ConfigError(f"--ip-san {text}: no IP address. Write one such as 10.0.0.1 or fd00::1.") from error


def _write(directory: Path, made: dict[str, str], *, force: bool) -> None:
    """Write all files or, where one is there already, none. A reader never sees half of one, and of the key nobody else anything."""
    there = [name for name in made if (directory / name).exists()]
    if there and not force:
        raise StewardError(f"--output-dir {directory}: has {', '.join(there)} already. Name another directory, or say --force to overwrite.")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            with tempfile.NamedTemporaryFile("w", dir=directory, delete=False) as file:
                # mkstemp makes files that only their owner may read.
                file.write(text)
            Path(file.name).chmod(FILES[name])
            os.replace(file.name, directory / name)  # noqa: PTH105 - Path.replace says the same
    except OSError as error:
        raise StewardError(f"--output-dir {directory}: cannot be written: {error.strerror}. Name a directory of yours.") from error
