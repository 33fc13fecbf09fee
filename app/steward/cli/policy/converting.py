"""``steward policy convert``: policies of kube-devops as policies of Steward."""

from __future__ import annotations

import click

from steward.runtime.errors import ConfigError


@click.command(short_help="Convert policies of kube-devops.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
def convert(*, files: tuple[str, ...]) -> None:
    """Print the policies of devops.stochastic.io/v1 in FILE as policies of Steward; - is stdin. Asks no cluster.

    \b
      kubectl get devopspolicies.devops.stochastic.io --all-namespaces --output yaml |
        steward policy convert - | steward policy import --dry-run -

    What means something else than before is said on stderr. Objects that are no such policy are left out.
    """  # noqa: D301 - click wants the character itself
    import msgspec

    from steward.cli import manifests
    from steward.cli.policy.manifest import as_manifest, plain, to_policy, written
    from steward.governance import conversion

    made = []
    for document in (found for file in files for found in manifests.read(file)):
        if not conversion.is_old(document.content):
            click.echo(f"{document.where}: {document.kind[1]} is left out", err=True)
            continue
        try:
            content, notes = conversion.convert(document.content)
        except (ValueError, msgspec.ValidationError) as error:
            raise ConfigError(f"{document.where}: {error}.") from error
        manifest = as_manifest(content, document.where)
        to_policy(manifest, document.where)
        made.append(plain(manifest))
        for note in notes:
            click.echo(f"{manifest.key}: {note}", err=True)
    if not made:
        raise ConfigError(f"{', '.join(files)}: no policy of {conversion.OLD}.")
    click.echo(written(made))
