"""What a run has measured so far, on disk after each step: a run that was broken off goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.figures import Figure, Figures


@dataclass(frozen=True)
class Entry:
    """One step.

    Attributes:
        step: Its name.
        figures: What was measured, also when it failed afterwards.
        failure: What went wrong, or None.
        seconds: How long it took.
        niced: Share of all processors that work of lower priority had meanwhile.
    """

    step: str
    figures: tuple[Figure, ...]
    failure: str | None
    seconds: float
    niced: float


class Journal:
    """All steps of a run, and what there is to say about it.

    Guarantees: a step that :meth:`add` has returned from survives any end of this process.
    """

    def __init__(self, path: Path, about: dict[str, Any], entries: Sequence[Entry] = ()) -> None:
        self.path = path
        self.about = about
        self.entries = list(entries)

    @classmethod
    def read(cls, path: Path) -> Journal:
        """One that is there. Raises: FileNotFoundError; ValueError or KeyError when it is no journal."""
        document = json.loads(path.read_text())
        entries = [Entry(**one | {"figures": tuple(Figure(**each) for each in one["figures"])}) for one in document["steps"]]
        return cls(path, document["about"], entries)

    def write(self) -> None:
        """Put it in the place of what is there."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps({"about": self.about, "steps": [asdict(entry) for entry in self.entries]}, indent=1) + "\n")
        new.replace(self.path)

    def add(self, entry: Entry) -> None:
        """Write down a step."""
        self.entries.append(entry)
        self.write()

    def has(self, step: str) -> bool:
        """Whether a step was taken, well or not."""
        return any(entry.step == step for entry in self.entries)

    def figures(self) -> Figures:
        """All values."""
        return Figures(figure for entry in self.entries for figure in entry.figures)

    def failures(self) -> list[str]:
        """What went wrong, with its step."""
        return [f"{entry.step}: {entry.failure}" for entry in self.entries if entry.failure is not None]

    def minutes(self) -> int:
        """How long the steps took."""
        return round(sum(entry.seconds for entry in self.entries) / 60)

    def niced(self) -> float:
        """Share of all processors that work of lower priority had during the steps."""
        total = sum(entry.seconds for entry in self.entries)
        return sum(entry.niced * entry.seconds for entry in self.entries) / total if total else 0.0
