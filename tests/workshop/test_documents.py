"""What the documents refer to is there."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIST = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md")
LISTED = subprocess.run(LIST, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
DOCUMENTS = [name for name in LISTED if (ROOT / name).exists()]
OURS = re.compile(r"https://(?:github\.com/steward-dev/steward/(?:blob|tree)|raw\.githubusercontent\.com/steward-dev/steward)/main/")
WRITTEN_BY_A_RUN = {"docs/metrics.md", "docs/performance.md", "docs/reliability.md"}
"""Pages that a command writes from what it found, and that may not be there before it ran."""
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def links(name):
    """The links of a document into this repository, by path or by address on GitHub: as written, file, and heading or nothing."""
    text = re.sub(r"`[^`\n]*`", "", FENCED.sub("", (ROOT / name).read_text()))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        inside = OURS.sub("", link)
        if "://" in inside:
            continue
        path, _, heading = inside.partition("#")
        base = ROOT if inside != link else (ROOT / name).parent
        yield link, (base / path).resolve() if path else ROOT / name, heading


def headings(path):
    """The addresses that GitHub gives to the headings of a document."""
    found = re.findall(r"^#+ (.*)$", FENCED.sub("", path.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name):
    """To a file or folder, and to the heading they name."""
    to_come = {ROOT / page for page in WRITTEN_BY_A_RUN}
    there = [(link, path, heading) for link, path, heading in links(name) if path.exists() or path not in to_come]
    missing = [link for link, path, heading in there if not path.exists() or (heading and heading not in headings(path))]

    assert missing == []


def test_every_document_is_on_the_way_from_the_readme():
    """What nobody links to is read by nobody. A link to a folder is one to what is in it."""
    seen, todo = set(), ["README.md"]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            targets = {path for _, path, _ in links(name)}
            todo += [other for other in DOCUMENTS if {ROOT / other, (ROOT / other).parent} & targets]
    read_by_tools = {name for name in DOCUMENTS if name.startswith(".github/") or re.fullmatch(r"changes/.*\..*\.md", name)}

    assert set(DOCUMENTS) - seen - read_by_tools == set()
