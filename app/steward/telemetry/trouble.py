"""The last warnings and errors of the process, kept for whoever looks at its status page."""

from __future__ import annotations

import logging
from collections import deque

from steward.telemetry.logging import TextFormatter

LINES = 50
"""How many are kept: enough for what goes together, too few to matter in memory."""


class Trouble(logging.Handler):
    """Keeps what the log says at warning level and above, as text; credentials are cut out as in the log itself."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._lines: deque[str] = deque(maxlen=LINES)
        self.setFormatter(TextFormatter(""))

    def emit(self, record: logging.LogRecord) -> None:
        """Called by logging, in any thread."""
        try:
            self._lines.append(self.format(record))
        except Exception:  # noqa: BLE001 - logging must not fail its caller
            self.handleError(record)

    def lines(self) -> list[str]:
        """What is kept, newest first. Callable from any thread."""
        return list(reversed(tuple(self._lines)))


def keep() -> Trouble:
    """Keep from now on what is logged in this process."""
    trouble = Trouble()
    logging.getLogger().addHandler(trouble)
    return trouble
