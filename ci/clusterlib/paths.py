"""Where things are kept: everything that is made stands below one directory, which may be deleted when no cluster is up."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Paths:
    """The repository and its cache ($STEWARD_CACHE, else .cache in the repository)."""

    repository: Path
    cache: Path

    @property
    def tool_sources(self) -> Path:
        """One Go module per tool, and tools.toml, which says what is built from them."""
        return self.repository / "ci" / "tools"

    @property
    def tools(self) -> Path:
        """Built programs, one directory per tool and hash."""
        return self.cache / "tools"

    @property
    def bin(self) -> Path:
        """Links to the programs that are current; goes on PATH."""
        return self.cache / "bin"

    @property
    def images(self) -> Path:
        """Image archives, named by the hash of what they are made of."""
        return self.cache / "images"

    @property
    def temporary(self) -> Path:
        """Half-made things; whatever is here when no build runs is rubbish."""
        return self.cache / "tmp"

    @property
    def node(self) -> Path:
        """Everything the node provider's node keeps: certificates, logs, etcd, containers."""
        return self.cache / "node"

    @property
    def kind(self) -> Path:
        """What the kind provider keeps: the kubeconfig, the audit log."""
        return self.cache / "kind"

    @property
    def record(self) -> Path:
        """What is up, as written by the last `up`."""
        return self.cache / "cluster.json"

    @property
    def identity(self) -> str:
        """Eight hex digits that tell this cache's cluster from that of another checkout on the same machine."""
        return hashlib.sha256(str(self.cache).encode()).hexdigest()[:8]


def find() -> Paths:
    """Paths of this checkout.

    The cache is where it really is: a running node bears that name, and a link to it must not make it somebody else's, or leftovers.
    """
    cache = os.environ.get("STEWARD_CACHE")
    return Paths(REPOSITORY, (Path(cache).expanduser() if cache else REPOSITORY / ".cache").resolve())
