"""``steward completion``: makes a shell complete commands, options and their values."""

from __future__ import annotations

import click


@click.command(short_help="Print a script that completes commands.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script for SHELL that completes the commands, options and values of steward.

    \b
      bash: source <(steward completion bash)    in ~/.bashrc; bash 4.4 or newer
      zsh:  source <(steward completion zsh)     in ~/.zshrc, below compinit
      fish: steward completion fish | source     in ~/.config/fish/config.fish
    """  # noqa: D301 - click wants the character itself
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None, "click knows the three shells"
    click.echo(found(ctx.find_root().command, {}, "steward", "_STEWARD_COMPLETE").source())
