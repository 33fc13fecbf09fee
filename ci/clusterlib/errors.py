"""The one error a user sees."""


class ClusterError(Exception):
    """What stops a command: the reason, and how to mend it. Printed as one line; the exit code is 1."""

    def __init__(self, reason: str, mend: str = "") -> None:
        super().__init__(f"{reason}. {mend}" if mend else reason)
        self.reason = reason
        self.mend = mend
