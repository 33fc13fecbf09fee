"""What each command does."""

import argparse
import contextlib
import os
import shlex
import subprocess
from collections.abc import Iterator

from clusterlib import cluster, lock, monitoring, processes, progress, providers, scratch
from clusterlib import logs as logbook
from clusterlib import paths as places
from clusterlib import status as report
from clusterlib.background import Background
from clusterlib.cluster import Cluster
from clusterlib.errors import ClusterError
from clusterlib.images import infrastructure, steward
from clusterlib.kube import Kubectl
from clusterlib.node import checks, control, machine, settings
from clusterlib.paths import Paths
from clusterlib.tools.build import Tools

_NOT_UP = ClusterError("no cluster is up", "Run ci/cluster up")


def up(arguments: argparse.Namespace) -> None:
    """Have a cluster; then what was asked for beside it."""
    paths = places.find()
    with _lock(paths, "up"):
        name, why = providers.choose(paths, arguments.provider)
        progress.say(f"provider {name}: {why}")
        tools = Tools(paths)
        provider = providers.make(name, paths, tools)
        building = Background(steward.Builder(paths).ensure) if arguments.image else None
        found = provider.up()
        cluster.save(paths, found)
        if building:
            provider.load([building.result()])
        if arguments.monitoring:
            provider.provide(infrastructure.MONITORING)
            monitoring.install(_kubectl(paths, tools, found), tools, scratch.directory(paths))
    progress.say('ready; `ci/cluster shell` opens a shell on it, or: eval "$(ci/cluster env)"')


def down(_: argparse.Namespace) -> None:
    """Remove the cluster, the remains of any that was begun, and the programs that a killed command left running."""
    paths = places.find()
    with _lock(paths, "down"):
        processes.kill(processes.orphans(paths.cache))
        scratch.sweep(paths)
        tools = Tools(paths)
        for name in providers.NAMES:
            if name != "node" or providers.may_run_a_node():
                providers.make(name, paths, tools).down()
            elif paths.node.exists():
                raise ClusterError(f"the node in {paths.node} was started by root", "Run ci/cluster down as root")
        paths.record.unlink(missing_ok=True)
    progress.say("nothing of ours is up")


def status(_: argparse.Namespace) -> int:
    """What is up and what is cached."""
    paths = places.find()
    tools = Tools(paths)
    found = cluster.load(paths)
    return report.show(paths, tools, found, _kubectl(paths, tools, found) if found else None)


def image(arguments: argparse.Namespace) -> None:
    """Our image, or infrastructure images by name."""
    paths = places.find()
    tools = Tools(paths)
    if unknown := sorted(set(arguments.names) - infrastructure.RECIPES.keys()):
        raise ClusterError(f"{unknown[0]}: no such image", f"Known: {', '.join(infrastructure.RECIPES)}; without a name our own is built")
    with _lock(paths, "image"):
        found = cluster.load(paths)
        provider = providers.make(found.provider, paths, tools) if found else None
        if arguments.names and provider:
            provider.provide(arguments.names)
        elif arguments.names:
            raise _NOT_UP
        else:
            archive = steward.Builder(paths).ensure()
            print(archive)
            if provider:
                provider.load([archive])
            else:
                progress.say("no cluster is up, so it is loaded nowhere; ci/cluster up --image does")


def logs(arguments: argparse.Namespace) -> int:
    """A daemon's, also of a node that did not come up; the audit log; or those of pods."""
    paths = places.find()
    directory = paths.node / "logs"
    environment = processes.environment(paths.cache)
    if not arguments.component and directory.exists():
        logbook.summarise(directory)
        return 0
    log = directory / f"{arguments.component}.log"
    if arguments.component != logbook.AUDIT and log.exists():
        return logbook.show_file(log, environment, follow=arguments.follow)
    found = _require(paths)
    if not arguments.component:
        raise ClusterError("logs: name a component", f"Only the node provider has daemons to show, this is {found.provider}")
    if arguments.component == logbook.AUDIT:
        return subprocess.run(providers.make(found.provider, paths, Tools(paths)).audit(), env=environment, check=False).returncode
    return logbook.show_pods(_kubectl(paths, Tools(paths), found), arguments.component, follow=arguments.follow)


def shell(_: argparse.Namespace) -> None:
    """Replaces this process."""
    paths = places.find()
    variables = _variables(paths, _require(paths))
    program = os.environ.get("SHELL") or "/bin/sh"
    progress.say(f"{program} with KUBECONFIG={variables['KUBECONFIG']}; leave it with exit")
    os.execvpe(program, [program], {**os.environ, **variables})  # noqa: S606 (an interactive shell is what was asked for)


def env(_: argparse.Namespace) -> None:
    """For eval."""
    paths = places.find()
    for name, value in _variables(paths, _require(paths)).items():
        print(f"export {name}={shlex.quote(value)}")


def tools(arguments: argparse.Namespace) -> None:
    """Build, then name and path of each."""
    for name, path in Tools(places.find()).ensure(arguments.names).items():
        print(name, path)


def packages(_: argparse.Namespace) -> None:
    """One per line."""
    print("\n".join(checks.packages()))


def node(arguments: argparse.Namespace) -> None:
    """Daemons of the node: list them, or do something to one and list them."""
    own = settings.find(places.find())
    request = {"do": arguments.action, **{name: getattr(arguments, name) for name in ("daemon", "signal") if hasattr(arguments, name)}}
    daemons = control.change(own, **request)
    supervisor = machine.process_one(own)
    pids = control.machine_pids(supervisor) if supervisor else {}
    print(f"{'DAEMON':<26}{'STATE':<10}{'PID':<9}{'STARTS':<8}LAST EXIT")
    for daemon in daemons:
        pid = pids.get(daemon["pid"], "-")
        print(f"{daemon['name']:<26}{daemon['state']:<10}{pid:<9}{daemon['starts']:<8}{'-' if daemon['lastExit'] is None else daemon['lastExit']}")


def _variables(paths: Paths, found: Cluster) -> dict[str, str]:
    return {
        "KUBECONFIG": found.kubeconfig,
        "PATH": f"{paths.bin}:{os.environ.get('PATH', processes.SYSTEM_PATH)}",
        "STEWARD_PROVIDER": found.provider,
    }


def _require(paths: Paths) -> Cluster:
    found = cluster.load(paths)
    if found is None:
        raise _NOT_UP
    return found


def _kubectl(paths: Paths, tools: Tools, found: Cluster) -> Kubectl:
    return Kubectl(tools.either("kubectl"), found.kubeconfig, processes.environment(paths.cache))


@contextlib.contextmanager
def _lock(paths: Paths, doing: str) -> Iterator[None]:
    with lock.hold(paths.cache / "cluster.lock", f"ci/cluster {doing}"):
        yield
