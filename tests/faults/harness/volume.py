"""A projected volume as the kubelet writes it: every version in a directory of its own, swapped by one rename of a link (AtomicWriter)."""

import itertools
from pathlib import Path

_numbers = itertools.count()


class Volume:
    """The files of a service account.

    Args:
        directory: Where it is mounted.
        files: Name and content of each.
    """

    def __init__(self, directory: Path, files: dict[str, str]) -> None:
        self.directory = directory
        self._files: dict[str, str] = {}
        directory.mkdir()
        self.update(files)
        for name in files:
            (directory / name).symlink_to(Path("..data", name))

    def update(self, files: dict[str, str]) -> None:
        """Replace some files; all at once for whoever reads them."""
        self._files |= files
        version = self.directory / f"..{next(_numbers)}"
        version.mkdir()
        for name, content in self._files.items():
            (version / name).write_text(content)
        link = self.directory / "..data_tmp"
        link.symlink_to(version.name)
        link.rename(self.directory / "..data")
