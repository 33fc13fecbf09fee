"""How long pods wait for their name: from the moment their address is seen until the name answers with it."""

from __future__ import annotations

import time
from collections.abc import Callable

from steward.headless.config import Config
from steward.headless.eligibility import is_wanted
from steward.headless.model import Pod
from steward.runtime.resource import Key
from steward.runtime.store import Change


class Waiting:
    """Since when each pod has an address that its name does not answer with yet. Holds no more than there are pods that ask for a name.

    A standby takes the time too, so that the pods which waited for a new leader are measured whole. It does not see what the leader does
    about them; :meth:`answered` of a name that is as it should be takes the pod off the list, measured or not.
    """

    def __init__(self, config: Config, clock: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._clock = clock
        self._since: dict[Key, float] = {}

    def pod_changed(self, change: Change[Pod]) -> None:
        """Take the time of a new address; forget a pod that is over or asks for no name."""
        old, new = change
        if new is None or not self._waits(new):
            self._since.pop(change.object.metadata.key, None)
        elif old is None or not self._waits(old) or old.addresses != new.addresses:
            self._since[new.metadata.key] = self._clock()

    def answered(self, key: Key) -> float | None:
        """Seconds since the pod's address was seen; None when that was told before."""
        since = self._since.pop(key, None)
        return None if since is None else self._clock() - since

    def _waits(self, pod: Pod) -> bool:
        return bool(pod.addresses) and not pod.is_over and is_wanted(pod, self._config)
