"""Archives of images in the cache: each state of their sources has its own, and only the newest are worth their place."""

import os
from pathlib import Path

KEPT = 3
"""So many states of one image: those of a change, of what it is compared with, and one to spare. One of ours has 63 MB."""


def keep(archive: Path, others: str) -> Path:
    """Note that an archive is in use, and remove those of the same image that were used longest ago.

    Args:
        archive: The one in use.
        others: Pattern of the names of all archives of this image.
    """
    os.utime(archive)
    by_use = sorted(archive.parent.glob(others), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in by_use[KEPT:]:
        old.unlink()
    return archive
