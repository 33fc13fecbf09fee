"""The command line as a whole: help, version, wrong use."""

import json
import re
from pathlib import Path

import pytest
import yaml

from steward import __version__, components

KNOWN = ", ".join(components.NAMES)


def test_the_version_says_program_revision_and_python(steward):
    code, out, _ = steward("--version")

    assert 0 == code
    assert re.fullmatch(rf"steward {re.escape(__version__)} \(revision \S+, python 3\.\d+\.\S+\)\n", out)


@pytest.mark.parametrize(("form", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_machines_are_told_the_version_too(steward, form, read):
    code, out, err = steward("version", "-o", form)
    told = read(out)

    assert (0, "", __version__) == (code, err, told["version"])
    assert steward("version")[1] == f"steward {told['version']} (revision {told['revision']}, python {told['python']})\n"


def test_package_and_chart_have_one_version(repository: Path):
    chart = yaml.safe_load((repository / "chart" / "Chart.yaml").read_text())

    assert {__version__} == {chart["version"], chart["appVersion"]}


@pytest.mark.parametrize(
    "arguments", [("--help",), ("run", "--help"), ("describe", "-h"), ("probe", "--help"), ("verify", "--help"), ("check", "-h")], ids=" ".join
)
def test_help_goes_to_stdout(steward, arguments):
    code, out, err = steward(*arguments)

    assert (0, "") == (code, err)
    assert out.startswith("Usage: steward")
    assert "\\b" not in out, "click joins lines below what should be its mark for an example"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "heedless", "--config", "x"), f'unknown component "heedless". Known: {KNOWN}. Try `steward run --help`.'),
        (("describe", "heedless"), f'unknown component "heedless". Known: {KNOWN}. Try `steward describe --help`.'),
        (("run", "headless"), "Missing option '--config'. Try `steward run --help`."),
        (("run",), "Missing argument 'COMPONENT'. Try `steward run --help`."),
        (("rum",), "No such command 'rum'. Did you mean 'run'? Try `steward --help`."),
        (("run", "headless", "--conf", "x"), "No such option '--conf'. Did you mean '--config'? Try `steward run --help`."),
        (("probe", "metrics:8080"), 'URL: expected http:// or https://, got "metrics:8080". Try `steward probe --help`.'),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_use_is_one_line_and_2(steward, arguments, said):
    assert (2, "", f"steward: {said}\n") == steward(*arguments)


def test_no_command_shows_the_help_and_is_wrong_use(steward):
    code, out, err = steward()

    assert (2, "") == (code, out)
    assert "Commands:" in err


def test_the_light_commands_do_not_load_the_runtime():
    """``steward probe`` runs in a small pod, and the master of a process must stay small: neither may import what only the worker needs."""
    import subprocess
    import sys

    heavy = "httptools flask kubernetes prometheus_client steward.governance steward.runtime.manager"
    program = f"import sys, steward.cli, steward.cli.process; print([one for one in {heavy.split()} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "[]\n" == done.stdout
