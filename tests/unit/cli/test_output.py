"""What all commands print alike: tables, colours, completion."""

import os
import shutil
import subprocess
import sys

import click
import pytest

from steward.cli.output import table


def test_columns_are_as_wide_as_what_is_seen_of_their_cells():
    lines = table(("NAME", "CLASS", "N"), [("web", click.style("Healthy", fg="green"), 1), ("a-longer-name", "-", 22)]).splitlines()

    assert ["NAME            CLASS     N", "web             Healthy   1", "a-longer-name   -         22"] == [click.unstyle(line) for line in lines]


COLORED = """
import click
from steward.cli import main, steward
steward.add_command(click.Command("hue", callback=lambda: click.secho("x", fg="red")))
main()
"""


@pytest.mark.parametrize(("environment", "seen"), [({}, b"\x1b[31mx\x1b[0m"), ({"NO_COLOR": "1"}, b"x")], ids=["terminal", "NO_COLOR"])
def test_a_terminal_sees_colours_unless_somebody_sets_no_color(environment, seen):
    here, there = os.openpty()
    try:
        others = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        subprocess.run([sys.executable, "-c", COLORED, "hue"], stdout=there, env=others | environment, check=True)
        assert seen == os.read(here, 100).strip()
    finally:
        os.close(here)
        os.close(there)


def test_a_pipe_sees_none():
    assert b"x\n" == subprocess.run([sys.executable, "-c", COLORED, "hue"], capture_output=True, check=True).stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(steward, shell):
    code, out, _ = steward("completion", shell)

    assert 0 == code
    assert f"_STEWARD_COMPLETE={shell}_complete" in out


@pytest.mark.parametrize(
    ("line", "offered"), [("steward li", {"list", "list-contexts"}), ("steward completion z", {"zsh"}), ("steward list pods --form", {"--formula"})]
)
def test_bash_completes_commands_options_and_values(line, offered, tmp_path):
    """The script, in a real bash."""
    program = tmp_path / "steward"
    program.write_text(f"#!{sys.executable}\nfrom steward.cli import main\nmain()\n")
    program.chmod(0o755)
    asked = f"COMP_WORDS=({line}); COMP_CWORD={line.count(' ')}; _steward_completion steward"
    script = f'source <(steward completion bash); {asked}; printf "%s\\n" "${{COMPREPLY[@]}}"'

    done = subprocess.run(
        [shutil.which("bash"), "--norc", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )

    assert offered == set(done.stdout.split()), done.stderr
