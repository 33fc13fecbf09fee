"""The files the daemons read, from the templates in conf/."""

from pathlib import Path
from string import Template

from clusterlib.node.settings import CONTAINERD_SOCKET, NODE_NAME, ROOT, Settings

_TEMPLATES = Path(__file__).parent / "conf"

AUDIT_POLICY = _TEMPLATES / "audit-policy.yaml"

FILES = {
    "containerd.toml": "containerd.toml",
    "cni.conflist": "cni/10-pods.conflist",
    "kubelet.yaml": "kubelet.yaml",
    "kube-proxy.yaml": "kube-proxy.yaml",
    "audit-policy.yaml": "audit-policy.yaml",
    "resolv.conf": "resolv.conf",
}
"""Template to the file it becomes, below the state directory's conf/."""


def render(settings: Settings, *, runc: str, pause_image: str) -> dict[str, str]:
    """Every file's text by its name.

    Paths in them are as the node sees them.

    Raises: KeyError when a template has a placeholder that nobody fills.
    """
    words = {
        "root": str(ROOT),
        "containerd_socket": CONTAINERD_SOCKET,
        "pause_image": pause_image,
        "runc": runc,
        "cgroup": settings.cgroup,
        "node_name": NODE_NAME,
        "node_ip": str(settings.node_ip),
        "dns_ip": str(settings.dns_ip),
        "pods": str(settings.pods),
        "node_pods": str(settings.node_pods),
    }
    return {target: Template((_TEMPLATES / template).read_text()).substitute(words) for template, target in FILES.items()}


def write(directory: Path, files: dict[str, str]) -> None:
    """Put the files into `directory`."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
