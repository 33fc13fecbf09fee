"""`ci/cluster status`."""

from clusterlib.cluster import Cluster
from clusterlib.errors import ClusterError
from clusterlib.kube import Kubectl
from clusterlib.paths import Paths
from clusterlib.tools.build import Tools


def show(paths: Paths, tools: Tools, found: Cluster | None, kubectl: Kubectl | None) -> int:
    """Print it. Returns: 0 when a cluster is up and answers, else 1."""
    answers = _show_cluster(found, kubectl)
    print(f"cache        {paths.cache}")
    _show_tools(tools)
    print(f"  image archives        {len(list(paths.images.glob('*.tar')))}")
    return 0 if answers else 1


def _show_tools(tools: Tools) -> None:
    try:
        missing = set(tools.missing([]))
    except ClusterError as error:  # a cluster can do without go, if its tools come from PATH
        print(f"  {error}")
        return
    for tool in tools.catalogue.values():
        cached = [binary for binary in tool.binaries if binary not in missing]
        print(f"  {tool.name:<22}{tool.release:<9} {len(cached)} of {len(tool.binaries)} programs cached")


def _show_cluster(found: Cluster | None, kubectl: Kubectl | None) -> bool:
    if found is None or kubectl is None:
        print("provider     none: nothing is up")
        return False
    print(f"provider     {found.provider}\nkubeconfig   {found.kubeconfig}")
    try:
        nodes = kubectl.run("get", "nodes", "--no-headers", "--request-timeout=10s")
        pods = kubectl.get("pods", "--all-namespaces")["items"]
    except ClusterError as error:
        print(f"cluster      does not answer: {error}")
        return False
    print("nodes        " + "\n             ".join(nodes.strip().splitlines()))
    for pod in pods:
        ready = [status["ready"] for status in pod["status"].get("containerStatuses", [])]
        name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        print(f"  {name:<70} {sum(ready)}/{len(ready)} {pod['status'].get('phase', '')}")
    return True
