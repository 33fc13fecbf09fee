"""What can be built: ci/tools/tools.toml and the modules beside it, read into data."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clusterlib.errors import ClusterError

_KEYS = {"module", "release", "binaries", "stamp", "tags", "linked"}


@dataclass(frozen=True)
class Tool:
    """One entry of tools.toml and its module."""

    name: str
    source: Path
    """The directory of its go.mod."""
    module: str
    """The required module whose version is the tool's; empty when the tool is written here."""
    release: str
    """The version the project is known by, without a leading v."""
    binaries: Mapping[str, str]
    """File name to package."""
    stamp: Mapping[str, str]
    """Variable to value, set by the linker."""
    tags: Sequence[str]
    linked: bool

    @property
    def ldflags(self) -> str:
        """No symbol table, no DWARF, and the version."""
        return " ".join(["-s", "-w", *(f"-X {variable}={value}" for variable, value in sorted(self.stamp.items()))])


class Catalogue(dict[str, Tool]):
    """Every tool by its name."""

    def of(self, binary: str) -> Tool:
        """The tool that has this program."""
        return next(tool for tool in self.values() if binary in tool.binaries)

    def select(self, names: Sequence[str]) -> list[str]:
        """The programs meant by names of tools or of programs; all of them when there are no names.

        Raises: ClusterError for a name that is neither.
        """
        chosen: list[str] = []
        for name in names or list(self):
            if name in self:
                chosen += self[name].binaries
            elif any(name in tool.binaries for tool in self.values()):
                chosen.append(name)
            else:
                known = sorted({*self, *(binary for tool in self.values() for binary in tool.binaries)})
                raise ClusterError(f"{name}: no such tool", f"Known: {', '.join(known)}")
        return list(dict.fromkeys(chosen))


def load(directory: Path) -> Catalogue:
    """Read tools.toml. Raises: ClusterError naming the entry when one has an unknown key or its module is not required by its go.mod."""
    entries = tomllib.loads((directory / "tools.toml").read_text())
    return Catalogue((name, _tool(name, entry, directory / name)) for name, entry in entries.items())


def _tool(name: str, entry: dict[str, Any], source: Path) -> Tool:
    if unknown := sorted(entry.keys() - _KEYS):
        raise ClusterError(f"ci/tools/tools.toml: {name}.{unknown[0]}: no such key", f"Known: {', '.join(sorted(_KEYS))}")
    module = entry.get("module", "")
    release = entry.get("release") or _required_version(source / "go.mod", module).removeprefix("v")
    major, minor, *_ = release.split(".")
    words = {"version": f"v{release}", "release": release, "major": major, "minor": minor}
    stamp = {variable: value.format_map(words) for variable, value in entry.get("stamp", {}).items()}
    return Tool(name, source, module, release, entry["binaries"], stamp, entry.get("tags", []), entry.get("linked", True))


def _required_version(go_mod: Path, module: str) -> str:
    found = re.search(rf"^(?:require)?\s*{re.escape(module)} (v\S+)", go_mod.read_text(), re.MULTILINE)
    if not found:
        raise ClusterError(f"{go_mod} does not require {module}", f"Run `go get -tool {module}/…@VERSION` there, or give `release` in tools.toml")
    return found[1]
