"""docs/cli.md: every command, from what click knows of it, with the examples that tests run."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click

from referencelib.sources import ROOT, head, table
from steward.cli import steward

EXAMPLES = ROOT / "tests" / "cli" / "examples"
"""What a terminal shows, a file for each command. ``tests/cli/test_examples.py`` runs them all."""

INTRODUCTION = (Path(__file__).parent / "cli.txt").read_text()


def page() -> str:
    """The page."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    title, _, text = INTRODUCTION.partition("\n\n")
    yield from head(title.removeprefix("# "), text.strip())
    for path, command in commands():
        yield from _section(path, command)


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with its words, in the order of ``steward --help``."""
    yield from _below("steward", steward)


def _below(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from _below(f"{path} {name}", command.commands[name])
    else:
        yield path, command


def example(path: str) -> Path:
    """The file with the example of a command."""
    return EXAMPLES / f"{path.removeprefix('steward ').replace(' ', '-')}.console"


def _section(path: str, command: click.Command) -> Iterator[str]:
    yield f"## {path}"
    yield ""
    context = click.Context(command, info_name=path)
    yield f"`{path} {' '.join(command.collect_usage_pieces(context))}`"
    yield ""
    yield from _help(command.help or "")
    rows = [_option(one, context) for one in command.params if isinstance(one, click.Option)]
    if rows:
        yield from table(("option", "default", "meaning"), rows)
    yield "```console"
    yield example(path).read_text().rstrip()
    yield "```"
    yield ""


def _help(text: str) -> Iterator[str]:
    """The paragraphs of a help; those that click leaves as they are, are code."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b\n"):
            lines = paragraph.splitlines()[1:]
            title = [line for line in lines[:1] if not line.startswith("  ")]
            yield from (*title, *([""] if title else []), "```text", *(line.removeprefix("  ") for line in lines[len(title) :]), "```")
        else:
            yield re.sub(r"(?<![\w`<-])(--[a-z][a-z-]*)", r"`\1`", " ".join(paragraph.split()))
        yield ""


def _option(option: click.Option, context: click.Context) -> tuple[str, ...]:
    names, meaning = option.get_help_record(context) or ("", "")
    text, _, rest = meaning.partition("  [")
    facts = dict.fromkeys(rest.removesuffix("]").split("; "))
    default = next((one.removeprefix("default: ") for one in facts if one.startswith("default: ")), "")
    more = ", ".join(one for one in facts if one and not one.startswith("default: "))
    return f"`{names}`", f"`{default}`" if default else "-", f"{text} ({more})" if more else text
