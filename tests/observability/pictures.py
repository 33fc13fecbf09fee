"""Draws dashboards with Grafana's own components, by the program in preview/, in a browser without a window."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from support.boards import Json

PREVIEW = Path(__file__).parent / "preview"
BROWSERS = ("chromium", "chromium-browser", "chromium-headless-shell", "google-chrome", "google-chrome-stable")
INSTALL_SECONDS = 900
"""Of some hundred packages, over a slow line."""
DRAW_SECONDS = 900


class Missing(Exception):
    """A program that drawing needs is not there; the text says which, and how to get it."""


def browser() -> str:
    """Path of a Chromium. Raises: Missing."""
    found = next((path for path in map(shutil.which, BROWSERS) if path), None)
    if found is None:
        raise Missing(f"no browser: none of {', '.join(BROWSERS)} is on PATH. Debian: apt-get install chromium")
    return found


def modules() -> Path:
    """Directory with the node modules of the lock, installed if they are not in the cache. Raises: Missing, and RuntimeError with npm's words."""
    for name in ("node", "npm"):
        if shutil.which(name) is None:
            raise Missing(f"{name}: not on PATH. Install Node.js 18 or newer (Debian: apt-get install nodejs npm)")
    lock = PREVIEW / "package-lock.json"
    cache = Path(os.environ.get("STEWARD_CACHE", PREVIEW.parents[2] / ".cache")) / "npm"
    directory = cache / f"preview-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    if not (directory / "node_modules").is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        begun = cache / f"{directory.name}.{os.getpid()}"
        begun.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PREVIEW / name, begun)
        # Scripts of packages would fetch a browser, and run whatever they like.
        install = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(install, cwd=begun, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        if done.returncode:
            shutil.rmtree(begun)
            raise RuntimeError(f"npm ci in {PREVIEW} failed:\n{done.stderr[-2000:]}")
        shutil.rmtree(directory, ignore_errors=True)
        begun.rename(directory)
    return directory


def draw(views: Mapping[str, Json], directory: Path) -> dict[str, Json]:
    """Draw views into NAME.png of a directory; what is seen on each, as preview/src/app.tsx reports it. Raises: Missing, RuntimeError."""
    paths = [directory / f"{name}.json" for name in views]
    for path in paths:
        path.write_text(json.dumps(views[path.stem]))
    command = ["node", str(PREVIEW / "render.mjs"), str(modules()), browser(), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DRAW_SECONDS, check=False)
    if done.returncode:
        raise RuntimeError(f"the preview failed:\n{done.stderr[-3000:]}")
    return {path.stem: json.loads(path.with_suffix(".shown.json").read_text()) for path in paths}
