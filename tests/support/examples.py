"""The PromQL examples of docs/promql.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).resolve().parents[2] / "docs" / "promql.md"


class Example(NamedTuple):
    """What is asked, in words, and the expression that answers it."""

    question: str
    expression: str


def examples() -> list[Example]:
    """All of them, in the order of the page."""
    found = re.findall(r"^([A-Z0-9][^\n]*(?:\n[^\n#`]+)*):\n\n```promql\n(.*?)\n```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [Example(" ".join(question.split()), expression) for question, expression in found]
