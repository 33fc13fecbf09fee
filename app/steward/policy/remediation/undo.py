"""Takes back by hand what remediation added to a workload, for good: it is not added again to the same template."""

from __future__ import annotations

import datetime as dt

from steward.policy.remediation import additions, history
from steward.policy.remediation.drafts import Draft
from steward.policy.remediation.model import MANAGER, RECORD, WORKLOADS
from steward.runtime.client import Client
from steward.runtime.resource import Key, ObjectMeta


async def undo(client: Client, kind: str, key: Key, *, now: dt.datetime) -> tuple[str, ...]:
    """Take back all fields of ours, and write down on the workload that somebody did.

    Args:
        client: Talks to the API server; needs the rights to get and to patch the workload.
        kind: Deployment, StatefulSet or DaemonSet.
        key: Which.
        now: Wall clock.

    Returns:
        The names of the fields, such as ``web.livenessProbe``; none when nothing was ours, and then nothing is written.

    Raises:
        KeyError: Another kind.
        NotFound: There is no such workload.
        Conflict: It was made anew, or somebody else wrote our record.
        APIError, TransportError: Anything else.
    """
    resource = WORKLOADS[kind]
    workload = await client.get(resource, key)
    ours = additions.owned(workload)
    if not ours:
        return ()
    # The template may have changed since the patch; it is this one that shall not be patched again.
    over = history.concluded(history.attempt(workload, ours, history.read(workload), now), "undone", now)
    meta = ObjectMeta(name=key.name, namespace=key.namespace, annotations={RECORD: over.annotation()})
    await client.apply(resource, Draft(metadata=meta), uid=workload.metadata.uid, manager=MANAGER)
    return additions.fields(ours)
