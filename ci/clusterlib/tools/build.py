"""Building: what is cached is used, two processes at once do not disturb each other, and a build that was killed goes on where it stopped."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from clusterlib import lock, processes, progress, scratch
from clusterlib.errors import ClusterError
from clusterlib.paths import Paths
from clusterlib.tools.catalogue import Catalogue, Tool, load

BUILD_FLAGS = ("-trimpath", "-buildvcs=false", "-mod=readonly")
_OLDEST_GO_MINOR = 21
"""Of 1.x: the first that reads the go line of a go.mod and fetches the toolchain it asks for."""
_GO_MEND = f"Install Go 1.{_OLDEST_GO_MINOR} or newer (https://go.dev/dl); it fetches the exact toolchain by itself"
_FREE_BYTES = 8 * 2**30
"""What a first build of everything takes: about 4 GB of build cache, 2 GB of module cache, 1 GB of programs."""


class Tools:
    """The programs of one cache."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._env = processes.environment(paths.cache, CGO_ENABLED="0", GOWORK="off", GOTMPDIR=str(scratch.directory(paths)))
        self.catalogue: Catalogue = load(paths.tool_sources)

    def ensure(self, names: Sequence[str]) -> dict[str, Path]:
        """Have these tools or programs (all, when none is named), building what is missing, and link them into the cache's bin directory.

        Returns: the path of each program by its name. Raises: ClusterError when Go is missing, the disk is short or a build fails.
        """
        binaries = self.catalogue.select(names)
        tools = {tool.name: tool for tool in map(self.catalogue.of, binaries)}
        directories = {name: self._directory(tool) for name, tool in tools.items()}
        found = {binary: directories[self.catalogue.of(binary).name] / binary for binary in binaries}
        missing = [binary for binary, path in found.items() if not path.exists()]
        if missing:
            self._check_disk()
        for number, binary in enumerate(missing, start=1):
            self._build(binary, found[binary], f"{number} of {len(missing)}")
        for binary, path in found.items():
            if self.catalogue.of(binary).linked:
                _link(self._paths.bin / binary, path)
        return found

    def either(self, name: str) -> Path:
        """A client whose exact version does not matter: ours when it is cached, else the user's own from PATH, else ours, built."""
        for candidate in (str(self._paths.bin / name), shutil.which(name)):
            if candidate and Path(candidate).exists():
                return Path(candidate)
        return self.ensure([name])[name]

    def missing(self, names: Sequence[str]) -> list[str]:
        """Which of these programs are not cached yet."""
        return [binary for binary in self.catalogue.select(names) if not (self._directory(self.catalogue.of(binary)) / binary).exists()]

    def source(self, name: str) -> Path:
        """The source of the module a tool is built from, as Go keeps it: for the manifests that come with it."""
        tool = self.catalogue[name]
        self._go(tool, "mod", "download", tool.module)
        return Path(self._go(tool, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", tool.module).strip())

    def _directory(self, tool: Tool) -> Path:
        return self._paths.tools / f"{tool.name}-{self._hash(tool)}"

    def _hash(self, tool: Tool) -> str:
        toolchain = json.loads(self._go(tool, "env", "-json", "GOVERSION", "GOOS", "GOARCH", "GOAMD64", "GOARM64"))
        if _minor(toolchain["GOVERSION"]) < _OLDEST_GO_MINOR:
            raise ClusterError(f"go is {toolchain['GOVERSION']}", _GO_MEND)
        recipe = [toolchain, BUILD_FLAGS, tool.ldflags, list(tool.tags), dict(tool.binaries)]
        digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode())
        for path in _sources(tool):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()[:12]

    def _build(self, binary: str, target: Path, position: str) -> None:
        tool = self.catalogue.of(binary)
        with lock.hold(self._paths.tools / f"{tool.name}.lock", f"building {tool.name}"):
            if target.exists():
                return
            half_made = scratch.directory(self._paths) / binary
            tags = [f"-tags={','.join(tool.tags)}"] if tool.tags else []
            with progress.step(f"building {binary} ({tool.name} {tool.release}, {position})", f"built {binary}"):
                self._go(tool, "build", *BUILD_FLAGS, f"-ldflags={tool.ldflags}", *tags, "-o", str(half_made), tool.binaries[binary])
            target.parent.mkdir(parents=True, exist_ok=True)
            half_made.rename(target)

    def _go(self, tool: Tool, *arguments: str) -> str:
        return processes.run(["go", *arguments], env=self._env, cwd=tool.source, mend=_GO_MEND if arguments[0] == "env" else "")

    def _check_disk(self) -> None:
        self._paths.cache.mkdir(parents=True, exist_ok=True)
        free = free_bytes(self._paths.cache)
        if free < _FREE_BYTES:
            wanted = _FREE_BYTES // 2**30
            raise ClusterError(
                f"{self._paths.cache} has {free / 2**30:.1f} GiB left, building needs {wanted}",
                "Make room, or set STEWARD_CACHE to a directory elsewhere",
            )


def free_bytes(path: Path) -> int:
    """What is left on the file system of a directory."""
    return shutil.disk_usage(path).free


def _minor(version: str) -> int:
    found = re.match(r"go1\.(\d+)", version)
    return int(found[1]) if found else _OLDEST_GO_MINOR


def _sources(tool: Tool) -> Iterator[Path]:
    yield from sorted(path for path in tool.source.iterdir() if path.name in {"go.mod", "go.sum"} or path.suffix == ".go")


def _link(link: Path, target: Path) -> None:
    """Make `link` point to `target`; whoever looks sees the old one or the new one, never none."""
    wanted = os.path.relpath(target, link.parent)
    if link.is_symlink() and os.readlink(link) == wanted:  # noqa: PTH115 (the text is compared, not the path)
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    half_made = link.with_name(f".{link.name}.{os.getpid()}")
    half_made.unlink(missing_ok=True)
    half_made.symlink_to(wanted)
    half_made.rename(link)
