"""The images a node cannot pull: static programs on an empty base, under the names their projects give them: stock manifests need no change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clusterlib import lock
from clusterlib.images import oci
from clusterlib.paths import Paths
from clusterlib.tools.build import Tools

NOBODY = "65532:65532"
"""The user of distroless images; none of these needs to be root."""


@dataclass(frozen=True)
class Recipe:
    """An image made of one tool's program."""

    repository: str
    binary: str
    path: str
    """Where its project's image has the program."""
    user: str = NOBODY


RECIPES = {
    "pause": Recipe("registry.k8s.io/pause", "pause", "/pause", "65535:65535"),
    "coredns": Recipe("registry.k8s.io/coredns/coredns", "coredns", "/coredns"),
    "prometheus": Recipe("quay.io/prometheus/prometheus", "prometheus", "/bin/prometheus"),
    "alertmanager": Recipe("quay.io/prometheus/alertmanager", "alertmanager", "/bin/alertmanager"),
    "prometheus-operator": Recipe("quay.io/prometheus-operator/prometheus-operator", "prometheus-operator", "/bin/operator"),
    "prometheus-config-reloader": Recipe(
        "quay.io/prometheus-operator/prometheus-config-reloader", "prometheus-config-reloader", "/bin/prometheus-config-reloader"
    ),
    "kube-state-metrics": Recipe("registry.k8s.io/kube-state-metrics/kube-state-metrics", "kube-state-metrics", "/kube-state-metrics"),
}

NODE = ("pause", "coredns")
MONITORING = ("prometheus-operator", "prometheus-config-reloader", "prometheus", "alertmanager")


def reference(tools: Tools, name: str) -> str:
    """The full name of an image; its tag is the tool's version."""
    recipe = RECIPES[name]
    release = tools.catalogue.of(recipe.binary).release
    prefix = "" if name == "pause" else "v"
    return f"{recipe.repository}:{prefix}{release}"


def ensure(paths: Paths, tools: Tools, names: Sequence[str]) -> Mapping[str, Path]:
    """Archives of these images by name, made from their programs where they are not cached."""
    programs = tools.ensure([RECIPES[name].binary for name in names])
    return {name: _ensure(paths, tools, name, programs[RECIPES[name].binary]) for name in names}


def _ensure(paths: Paths, tools: Tools, name: str, program: Path) -> Path:
    recipe = RECIPES[name]
    archive = paths.images / f"{program.parent.name}.{name}.tar"
    with lock.hold(paths.images / f"{name}.lock", f"writing the image {name}"):
        if not archive.exists():
            config = {"Entrypoint": [recipe.path], "User": recipe.user, "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}
            oci.write(oci.Image(reference(tools, name), {recipe.path: program}, config=config), archive)
    return archive
