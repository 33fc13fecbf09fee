"""The code blocks of the chart's README. The second word after a fence says what a block is."""

from __future__ import annotations

import re
from typing import Any

import yaml

from support import helm

README = helm.CHART / "README.md"
FENCE = re.compile(r"^```(?P<language>\w*)(?: (?P<how>\w+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def kinds() -> set[tuple[str, str | None]]:
    """The first and the second word of all fences."""
    return {(block["language"], block["how"]) for block in FENCE.finditer(README.read_text())}


def blocks(language: str, how: str | None) -> dict[str, str]:
    """The blocks of a kind, by the heading that they stand under and their number there."""
    readme = README.read_text()
    found = [block for block in FENCE.finditer(readme) if (block["language"], block["how"]) == (language, how)]
    headings = [re.findall(r"^#+ (.*)$", FENCE.sub("", readme[: block.start()]), re.MULTILINE)[-1] for block in found]
    return {f"{heading} {headings[: n + 1].count(heading)}": block["text"] for n, (heading, block) in enumerate(zip(headings, found, strict=True))}


def values() -> dict[str, Any]:
    """The values of every recipe, those inside of manifests too."""
    manifests = {name: list(yaml.safe_load_all(text))[-1]["spec"] for name, text in blocks("yaml", "manifest").items()}
    inside = {name: spec["values"] if "values" in spec else spec["source"]["helm"]["valuesObject"] for name, spec in manifests.items()}
    return {name: yaml.safe_load(text) for name, text in blocks("yaml", "values").items()} | inside
