"""Write the dashboards, or say which differ from what is written: ``python -m dashboards [--check]``."""

import argparse
import json
import sys
from pathlib import Path

from dashboards import governance, headless, overview, runtime

HERE = Path(__file__).parent
DASHBOARDS = (overview.DASHBOARD, headless.DASHBOARD, governance.DASHBOARD, runtime.DASHBOARD)


def main() -> int:
    """Write the JSON files. Returns 1 if ``--check`` found a difference, else 0."""
    parser = argparse.ArgumentParser(prog="python -m dashboards", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a file differs or has no module")
    check = parser.parse_args().check

    texts = {HERE / f"{dashboard['uid']}.json": json.dumps(dashboard, indent=2) + "\n" for dashboard in DASHBOARDS}
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text() != text]
    orphans = sorted(set(HERE.glob("*.json")) - set(texts))
    if check:
        for path in stale + orphans:
            sys.stderr.write(f"dashboards/{path.name} is not what its module builds. Run: python -m dashboards\n")
        return 1 if stale or orphans else 0

    for path in orphans:
        path.unlink()
    for path in stale:
        path.write_text(texts[path])
        sys.stdout.write(f"wrote dashboards/{path.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
