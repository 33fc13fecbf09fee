"""The command line. Data goes to stdout, everything else to stderr; exit codes: 0 done, 1 failed or not up, 2 wrong use."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clusterlib import commands
from clusterlib.errors import ClusterError
from clusterlib.node import control
from clusterlib.providers import NAMES

_INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say. Returns: the exit code."""
    arguments = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = arguments.run(arguments)
        sys.stdout.flush()
    except ClusterError as error:
        print(f"ci/cluster: {error}", file=sys.stderr)
        return 1
    except PermissionError as error:
        print(
            f"ci/cluster: {error.filename}: permission denied. If root made it, run as root or set STEWARD_CACHE to a directory of yours",
            file=sys.stderr,
        )
        return 1
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("ci/cluster: interrupted; ci/cluster down removes what was begun, ci/cluster up goes on with it", file=sys.stderr)
        return _INTERRUPTED
    return int(code or 0)


def _interrupt(_: int, __: object) -> None:
    raise KeyboardInterrupt


@dataclass(frozen=True)
class _Command:
    name: str
    help: str
    run: Callable[[argparse.Namespace], int | None]
    arguments: Callable[[argparse.ArgumentParser], object] = lambda parser: parser


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ci/cluster", description="A real Kubernetes cluster for this repository. docs/cluster.md explains it.")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        subparser = subparsers.add_parser(command.name, help=command.help, description=command.help)
        command.arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser


def _up(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--provider", choices=("auto", *NAMES), default="auto", help="where the cluster comes from (default: what is there)")
    parser.add_argument("--monitoring", action="store_true", help="install Prometheus Operator and a Prometheus that reads every monitor and rule")
    parser.add_argument("--image", action="store_true", help="build our image and load it, while the tools are being built")


def _logs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "component",
        nargs="?",
        help="a daemon of the node, `audit`, or the component that pods are labelled with (default: the last lines of every daemon)",
    )
    parser.add_argument("-f", "--follow", action="store_true", help="go on printing")


def _node(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    actions.add_parser("list", help="the daemons, their state and their pids on the machine")
    for action, text in (("start", "start a daemon that was stopped"), ("stop", "stop a daemon; it stays away until it is started")):
        actions.add_parser(action, help=text).add_argument("daemon")
    sender = actions.add_parser("signal", help="send a signal to a daemon; one that ends of it is restarted after a second")
    sender.add_argument("daemon")
    sender.add_argument("signal", choices=control.SIGNALS)


def _tools(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="a tool of ci/tools or one of its programs (default: all)")


def _image(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="an infrastructure image to load instead of ours, such as kube-state-metrics")


_COMMANDS = (
    _Command("up", "have a cluster that is ready", commands.up, _up),
    _Command("down", "remove everything that `up` made", commands.down),
    _Command("status", "say what is up and what is cached; exit 1 when nothing is up", commands.status),
    _Command("image", "build our image from the Dockerfile and load it into the cluster", commands.image, _image),
    _Command("logs", "show the log of a daemon of the node or of a component's pods", commands.logs, _logs),
    _Command("shell", "open a shell with KUBECONFIG and PATH set", commands.shell),
    _Command("env", 'print what sets KUBECONFIG and PATH: eval "$(ci/cluster env)"', commands.env),
    _Command("tools", "build tools into the cache, and print where each is", commands.tools, _tools),
    _Command("packages", "print the Debian packages that the node provider needs", commands.packages),
    _Command("node", "look at and disturb the daemons of the node provider's node", commands.node, _node),
)
