"""A program that runs beside the tests, with its log."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from support.envtest import die_with_parent

STOP_SECONDS = 15


class Process:
    """A program from its start to :meth:`stop`; it dies with the test run.

    Args:
        command: The program and its arguments.
        log: Where what it says is kept.
        environment: Its whole environment; None for ours.
    """

    def __init__(self, command: Sequence[object], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self._log = log
        self._is_told = False
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [str(word) for word in command],
                stdout=out,
                stderr=out,
                env=None if environment is None else dict(environment),
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - it calls one system call
            )

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def begin_to_stop(self) -> None:
        """SIGTERM, unless it was sent: a second one may end it at once."""
        if not self._is_told:
            self._is_told = True
            self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if it does not obey."""
        self.begin_to_stop()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def last_words(self) -> str:
        """The end of its log."""
        return self._log.read_text(errors="replace")[-2000:]
